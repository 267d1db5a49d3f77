/**
 * What Barnacle is measured against: the least that does the same job with
 * discord.js 14. A mention, and the last messages of its channel, go to an
 * OpenAI-compatible model; the answer goes back. Nothing is stored, so nothing
 * survives its end.
 */

import { Client, GatewayIntentBits } from "discord.js";
import process from "node:process";

const {
  DISCORD_API_URL,
  DISCORD_BOT_TOKEN,
  OPENAI_BASE_URL,
  OPENAI_MODEL,
  BENCH_BURN_MS,
} = process.env;
const HISTORY = 20;

const client = new Client({
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.GuildMessageReactions,
    GatewayIntentBits.DirectMessages,
    GatewayIntentBits.MessageContent,
  ],
  allowedMentions: { parse: [] },
  rest: {
    api: `${DISCORD_API_URL}/api`,
    globalRequestsPerSecond: 100_000,
  },
});

client.on("messageCreate", async (message) => {
  if (message.author.bot || !message.mentions.users.has(client.user.id)) return;
  const messages = message.channel.messages.cache.last(HISTORY).map(({ author, content }) => ({
    role: author.id === client.user.id ? "assistant" : "user",
    content,
  }));
  const response = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer no-key" },
    body: JSON.stringify({ model: OPENAI_MODEL, messages }),
  });
  const { choices } = await response.json();
  await message.reply(choices[0].message.content);
});

process.on("SIGUSR2", () => {
  const until = performance.now() + Number(BENCH_BURN_MS);
  while (performance.now() < until);
});
process.on("SIGTERM", () => process.exit(0));

await client.login(DISCORD_BOT_TOKEN);
