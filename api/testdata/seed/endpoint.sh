curl -H "x-conserver-api-token: YOUR_API_TOKEN" \
     -X POST \
     "https://your-domain.com/api/endpoint"
