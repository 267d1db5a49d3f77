export const tool = {
  description: "Switches a light, a plug, a fan or a cover of Home Assistant.",
  input: {
    type: "object",
    properties: {
      entity_id: { type: "string", description: 'Exact id: "light.kitchen".', maxLength: 100 },
      to: { type: "string", enum: ["on", "off", "open", "closed"] },
    },
    required: ["entity_id", "to"],
  },
  hosts: ["http://homeassistant.local:8123"],
};

const SERVICES = {
  light: { on: "turn_on", off: "turn_off" },
  switch: { on: "turn_on", off: "turn_off" },
  fan: { on: "turn_on", off: "turn_off" },
  cover: { open: "open_cover", closed: "close_cover" },
};

export default async function ({ entity_id, to }, { fetch }) {
  const [domain] = entity_id.split(".");
  const service = SERVICES[domain]?.[to];
  if (!service) return `A ${domain} cannot be switched to "${to}".`;
  const answer = await fetch(`http://homeassistant.local:8123/api/services/${domain}/${service}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ entity_id }),
  });
  if (!answer.ok) throw new Error(`Home Assistant answered with status ${answer.status}`);
  return `${entity_id} is ${to}.`;
}
