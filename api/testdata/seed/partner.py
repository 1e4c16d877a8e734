import requests
import json

def submit_vcon_to_partner_ingress(vcon_data, ingress_list, api_key, base_url):
    """Submit vCon to external ingress endpoint."""
    url = f"{base_url}/vcon/external-ingress"
    headers = {
        "Content-Type": "application/json",
        "x-conserver-api-token": api_key
    }
    params = {"ingress_list": ingress_list}
    
    response = requests.post(url, json=vcon_data, headers=headers, params=params)
    
    if response.status_code == 204:
        return {"success": True}
    else:
        return {"success": False, "error": response.json()}

# Usage
result = submit_vcon_to_partner_ingress(
    vcon_data=my_vcon,
    ingress_list="customer_data", 
    api_key="customer-api-key-12345",
    base_url="https://your-domain.com"
)
