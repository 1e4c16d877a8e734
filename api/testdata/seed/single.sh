curl -X POST "https://your-domain.com/vcon/external-ingress?ingress_list=customer_data" \
     -H "Content-Type: application/json" \
     -H "x-conserver-api-token: customer-api-key-12345" \
     -d '{
       "uuid": "123e4567-e89b-12d3-a456-426614174000",
       "vcon": "0.0.1",
       "created_at": "2024-01-15T10:30:00Z",
       "parties": []
     }'
