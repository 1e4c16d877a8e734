# A static binary in an empty image, run by a user without rights. The data folder is a volume; give a token:
#   docker run -p 8000:8000 -v vconduit:/data -e CONSERVER_API_TOKEN=... vconduit
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev COMMIT=unknown BUILD_TIME=unknown
RUN CGO_ENABLED=0 go build -trimpath -tags grpcnotrace -ldflags="-s -w" -o /out/vconduit ./cmd/vconduit \
 && install -d -m 0700 -o 65532 -g 65532 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/vconduit /vconduit
COPY --from=build --chown=65532:65532 /out/data /data
ARG VERSION=dev COMMIT=unknown BUILD_TIME=unknown
ENV VCONDUIT_DATA=/data \
    VCON_SERVER_VERSION=$VERSION VCON_SERVER_GIT_COMMIT=$COMMIT VCON_SERVER_BUILD_TIME=$BUILD_TIME
USER 65532:65532
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["/vconduit"]
# An address that is not loopback needs a token: without one this refuses to start and says what to do.
CMD ["serve", "--listen", "0.0.0.0:8000"]
