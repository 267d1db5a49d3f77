export const tool = {
  description: "Finds devices of Home Assistant by a part of their name, with their states.",
  input: {
    type: "object",
    properties: { name: { type: "string", description: 'A part of a name or id: "kitchen".' } },
    required: ["name"],
  },
  hosts: ["http://homeassistant.local:8123"],
  readOnly: true,
};

export default async function ({ name }, { fetch }) {
  const answer = await fetch("http://homeassistant.local:8123/api/states");
  if (!answer.ok) throw new Error(`Home Assistant answered with status ${answer.status}`);
  const wanted = name.toLowerCase();
  const found = (await answer.json())
    .map(({ entity_id, state, attributes = {} }) => ({
      entity_id,
      name: attributes.friendly_name,
      state,
      unit: attributes.unit_of_measurement,
    }))
    .filter((one) => `${one.entity_id} ${one.name}`.toLowerCase().includes(wanted));
  return found.length === 0 ? `No device has "${name}" in its name.` : found.slice(0, 40);
}
