/**
 * The least that does the same job with discordeno's own gateway and REST, limiter and all: what
 * Barnacle's scheduler stands in place of. A mention goes to an OpenAI-compatible model; the answer
 * goes back. Nothing is stored.
 */

import { createGatewayManager } from "@discordeno/gateway";
import { createRestManager } from "@discordeno/rest";
import process from "node:process";

const { DISCORD_API_URL, DISCORD_BOT_TOKEN, OPENAI_BASE_URL, OPENAI_MODEL } = process.env;
/** Guilds, their messages and reactions, direct messages, and what is in them. */
const INTENTS = (1 << 0) | (1 << 9) | (1 << 10) | (1 << 12) | (1 << 15);

const rest = createRestManager({
  token: DISCORD_BOT_TOKEN,
  proxy: { baseUrl: `${DISCORD_API_URL}/api` },
});
rest.isProxied = false; // or it would leave limits and retries to a proxy, as at any other address

const connection = await rest.getGatewayBot();
const gateway = createGatewayManager({
  token: DISCORD_BOT_TOKEN,
  intents: INTENTS,
  connection,
  url: connection.url,
  preferSnakeCase: true,
  spawnShardDelay: 0,
  resharding: { enabled: false },
  events: {
    message: (_, { t, d }) => {
      if (t !== "MESSAGE_CREATE" || d.author.bot) return;
      if (d.mentions.some(({ id }) => id === String(rest.applicationId))) void reply(d);
    },
  },
});

async function reply({ channel_id, content }) {
  const response = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer no-key" },
    body: JSON.stringify({ model: OPENAI_MODEL, messages: [{ role: "user", content }] }),
  });
  const { choices } = await response.json();
  await rest.sendMessage(channel_id, {
    content: choices[0].message.content,
    allowedMentions: { parse: [] },
  });
}

process.on("SIGTERM", () => process.exit(0));
await gateway.spawnShards();
