/**
 * The floor: the same job without any library, on the platform's WebSocket and fetch. A mention goes
 * to an OpenAI-compatible model, which streams; the answer goes back. It stores nothing, keeps no
 * limit, and does not come back when its connection breaks.
 */

import process from "node:process";

const { DISCORD_API_URL, DISCORD_BOT_TOKEN, OPENAI_BASE_URL, OPENAI_MODEL } = process.env;
const API = `${DISCORD_API_URL}/api/v10`;
/** Guilds, their messages and reactions, direct messages, and what is in them. */
const INTENTS = (1 << 0) | (1 << 9) | (1 << 10) | (1 << 12) | (1 << 15);
const DISCORD_HEADERS = {
  authorization: `Bot ${DISCORD_BOT_TOKEN}`,
  "content-type": "application/json",
  "user-agent": "DiscordBot (https://localhost, 1)",
};
const MODEL_HEADERS = { "content-type": "application/json", authorization: "Bearer no-key" };

async function main() {
  const response = await fetch(`${API}/gateway/bot`, { headers: DISCORD_HEADERS });
  const { url } = await response.json();
  const socket = new WebSocket(`${url}/?v=10&encoding=json`);
  let seq = null;
  let ownId;
  const beat = () => socket.send(JSON.stringify({ op: 1, d: seq }));
  socket.onmessage = ({ data }) => {
    const { op, t, s, d } = JSON.parse(data);
    if (s !== null) seq = s;
    if (op === 1) beat();
    if (op === 10) {
      setInterval(beat, d.heartbeat_interval);
      const properties = { os: "linux", browser: "floor", device: "floor" };
      const identify = { token: DISCORD_BOT_TOKEN, intents: INTENTS, properties };
      socket.send(JSON.stringify({ op: 2, d: identify }));
    }
    if (t === "READY") ownId = d.user.id;
    if (t !== "MESSAGE_CREATE" || d.author.bot) return;
    if (d.mentions.some(({ id }) => id === ownId)) void reply(d);
  };
}

async function reply({ channel_id, content }) {
  const body = { model: OPENAI_MODEL, stream: true, messages: [{ role: "user", content }] };
  const answer = await textOf(
    await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
      method: "POST",
      headers: MODEL_HEADERS,
      body: JSON.stringify(body),
    }),
  );
  const posted = await fetch(`${API}/channels/${channel_id}/messages`, {
    method: "POST",
    headers: DISCORD_HEADERS,
    body: JSON.stringify({ content: answer, allowed_mentions: { parse: [] } }),
  });
  await posted.json();
}

/** Reads server-sent events as they come. */
async function textOf(response) {
  const decoder = new TextDecoder();
  let text = "";
  let rest = "";
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      text += JSON.parse(line.slice("data: ".length)).choices[0]?.delta.content ?? "";
    }
  }
  return text;
}

process.on("SIGTERM", () => process.exit(0));
void main();
