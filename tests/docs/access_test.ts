/** Compares the samples of `docs/pairing.md` and `docs/why.md` with real output of the commands. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { decide, list } from "../../src/features/access/pairing.ts";
import { why } from "../../src/features/why/why.ts";
import {
  createDataFixture,
  type DataFixture,
  GUILD,
  HELP,
  removeDataFixtures,
} from "../cli/data_fixture.ts";
import { recordingIo } from "../cli/io.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../support/discord/builders.ts";
import { batch, frozen, part, ROUTE } from "../support/store/store.ts";

afterEach(removeDataFixtures);

const PAGE = ["why.md", "pairing.md"]
  .map((page) => readFileSync(join(import.meta.dirname!, "..", "..", "docs", page), "utf8"))
  .join("\n");
const ID = messageId("1400000000000000001");
const LINK = `https://discord.com/channels/${GUILD}/${HELP}/${ID}`;
const CODE = "K7XQ2MPR";
const ASKED_MS = 8 * 60_000;

/** A code block of the page, by a text in its beginning. */
function block(start: string): string {
  const blocks = Array.from(PAGE.matchAll(/^```\w*\n(.*?)^```$/gms), ([, text = ""]) => text);
  const found = blocks.filter((text) => text.startsWith(start));
  assert.ok(found.length > 0, `blocks that start with ${start}`);
  return found[0]!;
}

const withoutTimes = (text: string) =>
  text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "<time>");

/** What a terminal shows of a command: its line and its output. */
async function shown(
  command: string,
  fixture: DataFixture,
  run: (io: ReturnType<typeof recordingIo>) => Promise<number>,
): Promise<string> {
  const io = recordingIo();
  await run({ ...io, cwd: fixture.data });
  return [`$ barnacle ${command}`, ...io.stderr, ...io.stdout, ""].join("\n");
}

describe("[P1] docs/pairing.md and docs/why.md", () => {
  it("shows the output of `barnacle why` for its config", async () => {
    const fixture = createDataFixture(block("{"));
    await fixture.receive(guildMessage({ id: ID }));
    const real = await shown(`why ${LINK}`, fixture, (io) => why(fixture.flags, LINK, io));
    assert.equal(withoutTimes(block("$ barnacle why")), withoutTimes(real));
  });

  it("quotes the first words of the checks with the current config", async () => {
    const fixture = createDataFixture(block("{"));
    await fixture.receive(guildMessage({ id: ID }));
    fixture.write({ channels: { discord: { guilds: {} } } });
    const real = await shown(`why ${LINK}`, fixture, (io) => why(fixture.flags, LINK, io));
    const [, quoted = ""] = /starts\s+with\s+`([^`]*: )…`/.exec(PAGE) ?? [];
    assert.notEqual(quoted, "");
    assert.ok(real.includes(`\n${quoted}`), real);
  });

  it("[P3] shows the output of `barnacle pairing`", async () => {
    const fixture = createDataFixture({ channels: { discord: {} } });
    const message = directMessage({
      id: ID,
      sender: sender({ id: userId("700000000000000001"), username: "mallory" }),
    });
    const judged = {
      message,
      verdict: { kind: "challenge", why: "pairing", rule: "channels.discord.dm.policy" },
      route: ROUTE,
    } as const;
    const pairing = {
      newCode: () => CODE,
      newButton: () => "button",
      challenge:
        () => [frozen({ accountId: ACCOUNT, nonce: "c", of: part(ID, { kind: "challenge" }) })],
    };
    await fixture.fill((store) =>
      store.inbox.acceptBatch(batch({ judged: [judged], pairing }), Date.now() - ASKED_MS)
    );
    const real = await shown("pairing list", fixture, (io) => list(fixture.flags, io)) +
      await shown(
        `pairing approve ${CODE}`,
        fixture,
        (io) => decide("approve", fixture.flags, [CODE], io),
      );
    assert.equal(block("$ barnacle pairing list"), real);
  });
});
