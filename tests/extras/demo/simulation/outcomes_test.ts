import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { join } from "node:path";
import {
  createOutcomes,
  createVerdictReader,
} from "../../../../src/extras/demo/simulation/outcomes.ts";
import { createdAtMs, type MessageId } from "../../../../src/core/discord/ids.ts";
import { nonceOf, type OutboundKind } from "../../../../src/core/outbound/nonce.ts";
import { demoWorld } from "../../../../simulator/actions/demo_world.ts";
import { EMPTY_DRAFT } from "../../../../simulator/actions/draft.ts";
import { postMessage } from "../../../../simulator/actions/messages.ts";
import type { Message } from "../../../../simulator/world/world.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  userId,
} from "../../../support/discord/builders.ts";
import type { RecordedVerdict } from "../../../../src/store/messages/message_record.ts";
import { DATABASE_NAME } from "../../../../src/host/files/data_dir.ts";
import { openStore } from "../../../../src/store/store.ts";
import { batch, heard, ignored } from "../../../support/store/store.ts";
import { sameData } from "../../../support/same_data.ts";
import { tempDirectory } from "../../../support/temp_directory.ts";

const ASKED = messageId("1480000000000000001");

function decision(fields: Partial<RecordedVerdict> = {}): RecordedVerdict {
  return {
    id: 1,
    accountId: ACCOUNT,
    messageId: ASKED,
    channelId: channelId("1"),
    authorId: userId("2"),
    verdict: "accept",
    why: "mentioned",
    rule: "channels.discord.guilds.*.requireMention",
    at: 0,
    ...fields,
  };
}

/** A message of the bot, some milliseconds after the question. */
function botMessage(
  nonce: string,
  afterMs: number,
  demo: ReturnType<typeof demoWorld> = demoWorld(),
): Message {
  const { world, barnacle, channels } = demo;
  const author = { kind: "user", userId: barnacle.userId } as const;
  const draft = { ...EMPTY_DRAFT, content: "…", nonce, enforceNonce: true };
  const at = createdAtMs(ASKED) + afterMs;
  const outcome = postMessage(world, channels.general.id, author, draft, at);
  assert.ok(outcome.kind === "done");
  return outcome.value.message;
}

const nonce = (index: number, kind: OutboundKind = "reply", cause: MessageId = ASKED) =>
  nonceOf({ cause, revision: 0, agentId: "main", kind }, index);

describe("[P1] createOutcomes()", () => {
  it("explains an ignored message, and expects no reply", () => {
    const judged = createOutcomes([{ id: "main", name: "Barnacle" }]).decided(
      decision({ verdict: "ignore", why: "bot" }),
    );
    assert.equal(judged.words, "The bot does not answer other bots.");
    assert.equal(judged.outcome, undefined);
  });

  it("explains a reason of another version", () => {
    const judged = createOutcomes([{ id: "main", name: "Barnacle" }]).decided(
      decision({ why: "by-decree" }),
    );
    assert.match(judged.words, /another version/);
    assert.equal(judged.why, "by-decree");
  });

  it("follows an accepted message through all parts of its answer", () => {
    const demo = demoWorld();
    const outcomes = createOutcomes([{ id: "main", name: "Barnacle" }]);
    sameData(outcomes.decided(decision()).outcome, { kind: "thinking", replies: [] });
    const [first, second] = [botMessage(nonce(0), 200, demo), botMessage(nonce(1), 900, demo)];
    assert.equal(outcomes.posted(first)?.outcome?.afterMs, 200);
    sameData(outcomes.posted(second)?.outcome, {
      kind: "answered",
      replies: [first.id, second.id],
      afterMs: 200,
    });
    assert.deepEqual(outcomes.all().map(({ messageId }) => messageId), [ASKED]);
  });

  it("matches a reply that arrives before its verdict", () => {
    const demo = demoWorld();
    const outcomes = createOutcomes([{ id: "main", name: "Barnacle" }]);
    const [first, second] = [botMessage(nonce(0), 5, demo), botMessage(nonce(1), 6, demo)];
    assert.equal(outcomes.posted(first), undefined);
    assert.equal(outcomes.posted(second), undefined);
    const { outcome } = outcomes.decided(decision());
    sameData(outcome, {
      kind: "answered",
      replies: [first.id, second.id],
      afterMs: 5,
    });
  });

  it("distinguishes a failure from a reply", () => {
    const outcomes = createOutcomes([{ id: "main", name: "Barnacle" }]);
    outcomes.decided(decision());
    assert.equal(outcomes.posted(botMessage(nonce(0, "failure"), 5))?.outcome?.kind, "failed");
  });

  it("names the agent that answered, if there are several", () => {
    const outcomes = createOutcomes([{ id: "main", name: "Barnacle" }, {
      id: "pilot",
      name: "Pilot",
    }]);
    outcomes.decided(decision());
    const theirs = nonceOf({ cause: ASKED, revision: 0, agentId: "pilot", kind: "reply" }, 0);
    assert.equal(outcomes.posted(botMessage(theirs, 5))?.outcome?.by, "Pilot");
  });

  it("shows the score of the intent filter with the reason", () => {
    const judged = createOutcomes([{ id: "main", name: "Barnacle" }])
      .decided(decision({ verdict: "ignore", why: "not-for-bot" }), "It scores 0.02.");
    assert.match(judged.words, / It scores 0\.02\.$/);
  });

  it("matches no reply to another message or of another agent", () => {
    const outcomes = createOutcomes([{ id: "main", name: "Barnacle" }]);
    outcomes.decided(decision());
    const other = nonce(0, "reply", messageId("1480000000000000009"));
    assert.equal(outcomes.posted(botMessage(other, 5)), undefined);
    const otherNonce = nonceOf({ cause: ASKED, revision: 0, agentId: "two", kind: "reply" }, 0);
    assert.equal(outcomes.posted(botMessage(otherNonce, 5)), undefined);
    assert.equal(outcomes.all()[0]?.outcome?.kind, "thinking");
  });
});

describe("[P1] createVerdictReader()", () => {
  it("returns nothing without a database, and creates none", async () => {
    using directory = tempDirectory();
    const verdicts = createVerdictReader(directory.path);
    assert.deepEqual(await verdicts.next(), []);
    verdicts.close();
  });

  it("returns each verdict once, while the bot runs", async () => {
    using directory = tempDirectory();
    const verdicts = createVerdictReader(directory.path);
    await verdicts.next();
    const store = openStore(join(directory.path, DATABASE_NAME), { now: 0, elapsed: () => 0 });
    const record = (id: string, seq: number) =>
      store.inbox.acceptBatch(
        batch({ heard: heard(seq), judged: [ignored(guildMessage({ id: messageId(id) }))] }),
        1,
      );
    try {
      await record("1400000000000000001", 1);
      const [first, ...others] = await verdicts.next();
      assert.equal(first?.messageId, "1400000000000000001");
      assert.equal(first?.why, "no-mention");
      assert.deepEqual(others, []);
      assert.deepEqual(await verdicts.next(), []);
      await record("1400000000000000002", 2);
      assert.deepEqual((await verdicts.next()).map(({ messageId }) => messageId), [
        "1400000000000000002",
      ]);
    } finally {
      verdicts.close();
      store.close();
    }
  });
});
