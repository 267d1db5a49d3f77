/** An independent client proves the simulator right: discord.js 14. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { Client, Events, GatewayIntentBits, Partials } from "discord.js";
import { startSimulator } from "../../simulator/simulator.ts";

const WAIT_MS = 20_000;
const soon = () => AbortSignal.timeout(WAIT_MS);

function createClient(apiUrl: string): Client {
  return new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.GuildMessageReactions,
      GatewayIntentBits.DirectMessages,
      GatewayIntentBits.MessageContent,
    ],
    partials: [Partials.Channel],
    allowedMentions: { parse: [] },
    rest: {
      api: `${apiUrl}/api`,
      // undici's own client does not run under Bun
      makeRequest: (url, { dispatcher: _dispatcher, ...init }) =>
        fetch(url, init as RequestInit) as never,
    },
  });
}

it("[G3] discord.js 14 against the simulator › connects, receives, sends, reacts and resumes", async () => {
  const sim = await startSimulator();
  const client = createClient(sim.apiUrl);
  const heard: string[] = [];
  client.on(Events.MessageCreate, (message) => {
    if (!message.author.bot) heard.push(`${message.author.username}: ${message.content}`);
  });
  try {
    const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve));
    await client.login(sim.token);
    await ready;
    assert.equal(client.user?.username, "Barnacle");
    assert.deepEqual(client.guilds.cache.map(({ name }) => name), ["Krill & Co", "Elsewhere"]);

    const said = sim.say({ as: "grace", in: "#general", text: "hello there" });
    await sim.until(() => heard.includes("grace: hello there") || undefined, soon());

    const channel = await client.channels.fetch(said.channelId);
    assert.ok(channel?.isSendable());
    const sent = await channel.send({ content: "hello, Grace", nonce: "n-1", enforceNonce: true });
    assert.equal(sent.content, "hello, Grace");
    const again = await channel.send({ content: "hello, Grace", nonce: "n-1", enforceNonce: true });
    assert.equal(again.id, sent.id);
    assert.deepEqual(sim.posted("#general").map(({ content }) => content), ["hello, Grace"]);

    const received = await channel.messages.fetch(said.id);
    await received.react("👀");
    const reactors = sim.world.channels.get(said.channelId)?.messages.get(said.id)?.reactions;
    assert.deepEqual([...reactors?.get("👀") ?? []], [sim.application.userId]);
    await received.reply({ content: "and again", allowedMentions: { repliedUser: true } });
    assert.deepEqual(sim.posted("#general").at(-1)?.pings.users, [
      said.author.kind === "user" && said.author.userId,
    ]);

    const resumed = new Promise((resolve) => client.once(Events.ShardResume, (_, n) => resolve(n)));
    sim.faults.gateway.drop("reset");
    await sim.until(() => sim.connected() === 0 || undefined, soon());
    sim.say({ as: "mallory", in: "dm", text: "written without a connection" });
    await resumed;
    await sim.until(
      () => heard.includes("mallory: written without a connection") || undefined,
      soon(),
    );
    assert.equal(sim.account().identifies.length, 1);
    assert.deepEqual(sim.account().resumes.map(({ outcome }) => outcome), ["resumed"]);
  } finally {
    await client.destroy();
    await sim.close();
  }
});
