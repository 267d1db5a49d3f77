import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { list, reset } from "../../../src/features/sessions/sessions.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ROUTE } from "../../support/store/store.ts";

const { sessionKey: KEY } = ROUTE;
afterEach(removeDataFixtures);

type Run = typeof list;

/** Gives a command, with one answered message. */
async function run(command: Run, config: object = {}) {
  const fixture = createDataFixture(config);
  await fixture.fill(async ({ inbox, turns }) => {
    const now = Date.now();
    const message = guildMessage({ id: messageId("101"), text: "hello" });
    await inbox.acceptBatch(batch({ judged: [accepted(message)] }), now);
    const claim = await inbox.claimNext(ACCOUNT, now, []);
    assert.ok(claim);
    const stamp = { messageId: message.id, at: now };
    await turns.finishTurn({
      claim,
      end: { kind: "answered" },
      entries: [
        { role: "user", text: "hello", ...stamp },
        { role: "assistant", text: "hi", ...stamp },
      ],
      outbox: [],
    }, now);
  });
  const io = recordingIo();
  const code = await command(fixture.flags, io);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

describe("barnacle sessions", () => {
  it("[S2] list › shows key and display name", async () => {
    const { code, out } = await run(list);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^discord:\\S+#\\S+  2 shown  0 folded  2 in all  .*${KEY}$`));
  });

  it("[S2] list › uses the guild's slug of the config", async () => {
    const { place } = guildMessage();
    const id = place.kind === "guild" ? place.guild.id : "";
    const guilds = { [id]: { slug: "den" } };
    const { out } = await run(list, { channels: { discord: { guilds } } });
    assert.match(out, /^discord:den#/);
  });

  it("[S4a] reset › begins a new transcript, once", async () => {
    const twice: Run = async (flags, io) => {
      assert.equal(await reset(flags, KEY, io), 0);
      return await reset(flags, KEY, io);
    };
    const { code, out, err } = await run(twice);
    assert.equal(code, 0);
    assert.match(out, /2 entries stay stored/);
    assert.match(err, /nothing changed/);
  });
});
