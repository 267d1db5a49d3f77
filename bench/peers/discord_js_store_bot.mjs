/**
 * A discord.js bot with Barnacle's promise, on Barnacle's runtime: `discord_js_bot.mjs`, with the
 * least store (`store.mjs`).
 */

import { Client, GatewayIntentBits } from "discord.js";
import process from "node:process";
import { accept, ignore, keep, note } from "./store.mjs";

const { DISCORD_API_URL, DISCORD_BOT_TOKEN, OPENAI_BASE_URL, OPENAI_MODEL } = process.env;

const client = new Client({
  intents: [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.GuildMessageReactions,
    GatewayIntentBits.DirectMessages,
    GatewayIntentBits.MessageContent,
  ],
  allowedMentions: { parse: [] },
  rest: { api: `${DISCORD_API_URL}/api`, globalRequestsPerSecond: 100_000 },
});

client.on("messageCreate", async (message) => {
  const { id, channelId: channel, author, content } = message;
  if (author.bot || !message.mentions.users.has(client.user.id)) return ignore(id);
  const accepted = { id, channel, author: author.id, content };
  const texts = await accept(accepted);
  const response = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer no-key" },
    body: JSON.stringify({
      model: OPENAI_MODEL,
      messages: texts.map((content) => ({ role: "user", content })),
    }),
  });
  const { choices } = await response.json();
  const text = choices[0].message.content;
  await keep(accepted, text);
  note(accepted, (await message.reply({ content: text, nonce: id, enforceNonce: true })).id);
});

process.on("SIGTERM", () => process.exit(0));
void client.login(DISCORD_BOT_TOKEN);
