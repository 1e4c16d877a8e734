# Partner 1 using their key
curl -X POST "https://your-domain.com/vcon/external-ingress?ingress_list=support_calls" \
     -H "x-conserver-api-token: support-api-key-67890" \
     -d @vcon_data.json

# Partner 2 using their key  
curl -X POST "https://your-domain.com/vcon/external-ingress?ingress_list=support_calls" \
     -H "x-conserver-api-token: support-client-2-key" \
     -d @vcon_data.json
