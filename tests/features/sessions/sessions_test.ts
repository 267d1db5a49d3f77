import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { list, reset } from "../../../src/features/sessions/sessions.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { openStore } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ROUTE } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

const { sessionKey: KEY } = ROUTE;
/** A data directory with one answered message. */
async function fill(data: string): Promise<void> {
  const now = Date.now();
  const store = openStore(join(data, DATABASE_NAME), { now, elapsed: () => 0 });
  const message = guildMessage({ id: messageId("101"), text: "hello" });
  await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), now);
  const claim = await store.inbox.claimNext(ACCOUNT, now, []);
  assert.ok(claim);
  const stamp = { messageId: message.id, at: now };
  await store.turns.finishTurn({
    claim,
    end: { kind: "answered" },
    entries: [
      { role: "user", text: "hello", ...stamp },
      { role: "assistant", text: "hi", ...stamp },
    ],
    outbox: [],
  }, now);
  store.close();
}

type Run = typeof list;

async function run(command: Run) {
  using directory = tempDirectory();
  const data = directory.path;
  await fill(data);
  const io = recordingIo();
  const code = await command({ data, json: false }, io);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

describe("barnacle sessions", () => {
  it("[S2] list › shows key and display name", async () => {
    const { code, out } = await run(list);
    assert.equal(code, 0);
    assert.match(
      out,
      new RegExp(`^discord:\\S+#\\S+  2 shown  0 folded  2 in all  .*${KEY}$`),
    );
  });

  it("[S2] list › uses the guild's slug of the config", async () => {
    const { out } = await run((flags, io) => {
      const config = join(flags.data ?? "", "barnacle.json");
      const { place } = guildMessage();
      const id = place.kind === "guild" ? place.guild.id : "";
      const guilds = { [id]: { slug: "den" } };
      writeFileSync(config, JSON.stringify({ channels: { discord: { guilds } } }));
      return list({ ...flags, config }, io);
    });
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
