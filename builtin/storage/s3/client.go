package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/vconduit/vconduit/runtime/chain"
	"github.com/vconduit/vconduit/vcon"
)

// Connections: dialTimeout leaves a try of 10 s time for more than connecting; idle ones are kept for as many saves as a
// busy server has under way at once.
const (
	dialTimeout = 5 * time.Second
	idleConns   = 64
	maxConns    = 256
)

// defaultRegion is where a bucket is looked for when nobody says where it is.
const defaultRegion = "us-east-1"

// connect makes a storage of the options and asks the server whether it can work.
func connect(ctx context.Context, c Config) (*Storage, error) {
	base, err := load(ctx, c)
	if err != nil {
		return nil, err
	}
	found := base.Region
	if found == "" {
		base.Region = defaultRegion
	}
	s := newStorage(c, base, newHTTP(base.HTTPClient))
	err = s.probe(ctx)
	if region := otherRegion(err); region != "" && found == "" {
		base.Region = region
		s = newStorage(c, base, s.http)
		err = s.probe(ctx)
	}
	if err != nil {
		s.http.CloseIdleConnections()
		return nil, err
	}
	return s, nil
}

// load reads what the environment says and lays the options over it.
func load(ctx context.Context, c Config) (aws.Config, error) {
	with := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithLogger(logging.Nop{}),
		config.WithAppID("vconduit"),
	}
	if c.Region != "" {
		with = append(with, config.WithRegion(c.Region))
	}
	if c.KeyID != "" {
		with = append(with, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.KeyID, c.Secret, "")))
	}
	base, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS environment: %w", err)
	}
	if _, err := base.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, fmt.Errorf("no credentials: give the options aws_access_key_id and aws_secret_access_key, or set up the AWS environment: %w", err)
	}
	return base, nil
}

// newHTTP makes the connections. They never follow a redirect: a signed request and the document in it are for one host.
func newHTTP(from aws.HTTPClient) *http.Client {
	b, ok := from.(*awshttp.BuildableClient)
	if !ok {
		b = awshttp.NewBuildableClient()
	}
	transport := b.GetTransport() // with the certificates of AWS_CA_BUNDLE
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	transport.TLSHandshakeTimeout = dialTimeout
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = idleConns, idleConns, maxConns
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newStorage(c Config, base aws.Config, http *http.Client) *Storage {
	client := awss3.NewFromConfig(base, func(o *awss3.Options) {
		o.HTTPClient = http
		if c.Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &c.Endpoint, true
		}
		o.DisableLogOutputChecksumValidationSkipped = true // objects of others may have none
	})
	return &Storage{c: c, keys: newKeys(c.Path), client: client, http: http, days: newCalendar()}
}

// probe asks for the pointer of a vCon that nobody has: unlike a question about the bucket, the answer says what is wrong.
func (s *Storage) probe(ctx context.Context) error {
	_, err := s.pointer(ctx, vcon.ID{})
	if isDenied(err) { // a key that may only write, or not list
		return nil
	}
	return err
}

// put writes an object. The checksum stands in a header: as a trailer, which is the client's own way, it is more than
// many servers understand.
func (s *Storage) put(ctx context.Context, key, contentType string, body []byte) error {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	_, err := s.client.PutObject(ctx, &awss3.PutObjectInput{
		Bucket: &s.c.Bucket, Key: &key, Body: bytes.NewReader(body),
		ContentLength: aws.Int64(int64(len(body))), ContentType: &contentType,
		ChecksumCRC32: aws.String(base64.StdEncoding.EncodeToString(sum)),
	})
	return s.explain(err)
}

// maxObject bounds what is read of one object, startObject what is believed of its length before it is read.
const (
	maxObject   = math.MaxInt32
	startObject = 64 << 20
)

// errTooLarge is an object that is larger than any vCon.
var errTooLarge = errors.New("the object is larger than any vCon")

// get reads an object of at most so many bytes, nil when it is not there.
func (s *Storage) get(ctx context.Context, key string, most int64) ([]byte, error) {
	object, err := s.client.GetObject(ctx, &awss3.GetObjectInput{Bucket: &s.c.Bucket, Key: &key})
	if err := s.explain(err); err != nil {
		if isMissing(err) {
			return nil, nil
		}
		return nil, err
	}
	defer object.Body.Close()
	var b bytes.Buffer
	b.Grow(int(min(max(aws.ToInt64(object.ContentLength), 0), startObject)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(object.Body, most+1))
	if err == nil && n > most {
		err = chain.Permanent(errTooLarge)
	}
	if err != nil {
		return nil, s.explain(fmt.Errorf("object %s: %w", key, err))
	}
	return b.Bytes(), nil
}

// modified is when an object was written, zero when it is not there.
func (s *Storage) modified(ctx context.Context, key string) (time.Time, error) {
	object, err := s.client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &s.c.Bucket, Key: &key})
	if err := s.explain(err); err != nil {
		if isMissing(err) {
			err = nil
		}
		return time.Time{}, err
	}
	if t := aws.ToTime(object.LastModified); !t.IsZero() {
		return t, nil
	}
	return time.Unix(0, 0), nil
}

// remove deletes an object. One that is not there is no error.
func (s *Storage) remove(ctx context.Context, key string) error {
	_, err := s.client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &s.c.Bucket, Key: &key})
	if err = s.explain(err); isMissing(err) {
		return nil
	}
	return err
}

// pointer is the day that a vCon's pointer holds, "" when there is none.
func (s *Storage) pointer(ctx context.Context, id vcon.ID) (string, error) {
	text, err := s.get(ctx, s.keys.pointer(id), maxPointer)
	if errors.Is(err, errTooLarge) {
		return "", nil
	}
	return parseDay(text), err
}
