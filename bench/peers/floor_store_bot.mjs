/**
 * The floor with Barnacle's promise: no library on the platform's WebSocket and fetch, and the least
 * store (`store.mjs`). It keeps no limit, and does not come back when its connection breaks.
 */

import process from "node:process";
import { accept, ignore, keep, note } from "./store.mjs";

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
    if (t !== "MESSAGE_CREATE") return;
    if (d.author.bot || !d.mentions.some(({ id }) => id === ownId)) return ignore(d.id);
    void reply(d);
  };
}

async function reply({ id, channel_id: channel, author, content }) {
  const accepted = { id, channel, author: author.id, content };
  const texts = await accept(accepted);
  const response = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: MODEL_HEADERS,
    body: JSON.stringify({
      model: OPENAI_MODEL,
      messages: texts.map((content) => ({ role: "user", content })),
    }),
  });
  const { choices } = await response.json();
  const text = choices[0].message.content;
  await keep(accepted, text);
  const posted = await fetch(`${API}/channels/${channel}/messages`, {
    method: "POST",
    headers: DISCORD_HEADERS,
    body: JSON.stringify({
      content: text,
      nonce: id,
      enforce_nonce: true,
      allowed_mentions: { parse: [] },
      message_reference: { message_id: id, fail_if_not_exists: false },
    }),
  });
  note(accepted, (await posted.json()).id);
}

process.on("SIGTERM", () => process.exit(0));
void main();
