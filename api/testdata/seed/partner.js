async function submitVconToIngress(vconData, ingressList, apiKey, baseUrl) {
  const response = await fetch(`${baseUrl}/vcon/external-ingress?ingress_list=${ingressList}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'x-conserver-api-token': apiKey
    },
    body: JSON.stringify(vconData)
  });
  
  if (response.status === 204) {
    return { success: true };
  } else {
    const error = await response.json();
    return { success: false, error };
  }
}
