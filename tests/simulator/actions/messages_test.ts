import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { UserId } from "../../../src/core/discord/ids.ts";
import { type DemoWorld, demoWorld } from "../../../simulator/actions/demo_world.ts";
import { EMPTY_DRAFT, type MessageDraft } from "../../../simulator/actions/draft.ts";
import { changeThread } from "../../../simulator/actions/changes.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import { deleteMessage, editMessage, postMessage } from "../../../simulator/actions/messages.ts";

const NOW = Date.UTC(2026, 0, 2);
const WINDOW_MS = 1_000;

const post = (
  { world, channels }: DemoWorld,
  userId: UserId,
  draft: Partial<MessageDraft>,
  now = NOW,
  channelId: string = channels.general.id,
) => postMessage(world, channelId, { kind: "user", userId }, { ...EMPTY_DRAFT, ...draft }, now);

/** The outcome in short: the message's id, or the code of the refusal. */
const read = (outcome: ReturnType<typeof post>): string | number =>
  outcome.kind === "done" ? outcome.value.message.id : outcome.refused.code;

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("post" as const),
      author: fc.constantFrom("ada", "grace" as const),
      channel: fc.constantFrom("general", "help" as const),
      nonce: fc.constantFrom("a", "b", 1, undefined),
      enforceNonce: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.integer({ min: 0, max: WINDOW_MS }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), index: fc.nat(9) }) },
);

it("[D2] postMessage(): nonces › the same author and nonce within the window is the same message, deleted or not", () => {
  fc.assert(fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
    const demo = demoWorld({ nonceWindowMs: WINDOW_MS });
    const known = new Map<string, { readonly id: string; readonly at: number }>();
    const there: { readonly id: string; readonly author: UserId; readonly channel: string }[] = [];
    let now = NOW;
    for (const step of commands) {
      if (step.kind === "wait") now += step.ms;
      else if (step.kind === "delete") {
        const [gone] = there.splice(step.index, 1);
        if (gone) deleteMessage(demo.world, gone.channel, gone.id, gone.author);
      } else {
        const author = demo.people[step.author].id;
        const channel = demo.channels[step.channel].id;
        const { enforceNonce, nonce } = step;
        const draft = { content: "x", enforceNonce, ...(nonce !== undefined && { nonce }) };
        const outcome = post(demo, author, draft, now, channel);
        const key = `${author} ${nonce}`;
        const before = nonce === undefined || !enforceNonce ? undefined : known.get(key);
        if (before && now - before.at < WINDOW_MS) {
          const isThere = there.some(({ id }) => id === before.id);
          assert.equal(read(outcome), isThere ? before.id : 10008);
          assert.ok(outcome.kind === "refused" || outcome.events.length === 0, "no second event");
        } else {
          assert.ok(outcome.kind === "done" && !outcome.value.isRepeat);
          const { id } = outcome.value.message;
          assert.ok(!there.some((other) => other.id === id), "a new message has a new id");
          there.push({ id, author, channel });
          if (nonce !== undefined) known.set(key, { id, at: now });
        }
      }
    }
    const kept = [...demo.world.channels.values()].flatMap(({ messages }) => [...messages.keys()]);
    assert.deepEqual(kept.sort(), there.map(({ id }) => id).sort());
  }));
});

describe("[D2] postMessage()", () => {
  it("keeps a channel in the order of ids", () => {
    const demo = demoWorld();
    for (const offset of [0, -5_000, 3, 3, 1]) {
      post(demo, demo.people.ada.id, { content: "x" }, NOW + offset);
    }
    const ids = [...demo.world.channels.get(demo.channels.general.id)?.messages.keys() ?? []];
    assert.deepEqual(ids, [...ids].sort());
    assert.equal(ids.length, 5);
  });

  it("forgets the oldest beyond its limit", () => {
    const demo = demoWorld({ keptPerChannel: 3 });
    for (let n = 0; n < 5; n += 1) post(demo, demo.people.ada.id, { content: `m${n}` });
    const { messages } = demo.world.channels.get(demo.channels.general.id) ?? demo.channels.general;
    assert.deepEqual([...messages.values()].map(({ content }) => content), ["m2", "m3", "m4"]);
  });

  const refused: readonly [number, string, (demo: DemoWorld) => ReturnType<typeof post>][] = [
    [
      10003,
      "a channel that does not exist",
      (demo) => post(demo, demo.people.ada.id, { content: "x" }, NOW, "1"),
    ],
    [50001, "a guild of others", (demo) => post(demo, demo.people.mallory.id, { content: "x" })],
    [50006, "nothing", (demo) => post(demo, demo.people.ada.id, {})],
    [50083, "a locked thread", (demo) => {
      changeThread(demo.world, demo.channels.thread, { isLocked: true, isArchived: true });
      return post(demo, demo.people.grace.id, { content: "x" }, NOW, demo.channels.thread.id);
    }],
    [50035, "a reply across channels", (demo) => {
      const asked = post(demo, demo.people.ada.id, { content: "x" }, NOW, demo.channels.help.id);
      return post(demo, demo.people.ada.id, {
        content: "x",
        reference: {
          kind: "reply",
          messageId: String(read(asked)),
          channelId: demo.channels.help.id,
          failIfNotExists: true,
        },
      });
    }],
  ];
  for (const [code, what, act] of refused) {
    it(`refuses ${what}: ${code}`, () => assert.equal(read(act(demoWorld())), code));
  }

  it("opens an archived thread, and sends that first", () => {
    const demo = demoWorld();
    const { world, channels, people } = demo;
    changeThread(world, channels.thread, { isArchived: true });
    const outcome = post(demo, people.ada.id, { content: "x" }, NOW, channels.thread.id);
    assert.ok(outcome.kind === "done");
    assert.deepEqual(outcome.events.map(({ kind }) => kind), [
      "channel_updated",
      "message_created",
      "thread_member_added",
    ]);
    const thread = world.channels.get(channels.thread.id);
    assert.ok(thread?.kind === "thread" && !thread.isArchived);
    assert.equal(thread.lastMessageId, outcome.value.message.id);
    const again = post(demo, people.ada.id, { content: "y" }, NOW, channels.thread.id);
    assert.equal(again.kind === "done" && again.events.length, 1);
  });

  it("lets a manager of threads write in a locked one", () => {
    const demo = demoWorld();
    changeThread(demo.world, demo.channels.thread, { isLocked: true });
    const { ada, grace } = demo.people; // Ada owns the guild
    const write = (who: UserId) =>
      read(post(demo, who, { content: "x" }, NOW, demo.channels.thread.id));
    assert.equal(write(grace.id), 50083);
    assert.equal(typeof write(ada.id), "string");
  });

  const texts: readonly [given: string, kept: string][] = [
    ["  x \n", "x"],
    ["a\r\nb", "a\nb"],
    ["\u200b x", "\u200b x"],
  ];
  for (const [given, kept] of texts) {
    it(`turns ${JSON.stringify(given)} into ${JSON.stringify(kept)}`, () => {
      const demo = demoWorld();
      const outcome = post(demo, demo.people.ada.id, { content: given });
      assert.equal(outcome.kind === "done" && outcome.value.message.content, kept);
    });
  }
});

const MIB = 1024 * 1024;
const limits: readonly [tier: 0 | 1 | 2 | 3, mib: number][] = [[0, 10], [1, 10], [2, 50], [3, 100]];
const upload = (demo: DemoWorld, sizeBytes: number, where?: string) =>
  read(post(
    demo,
    demo.barnacle.userId,
    { attachments: [{ filename: "a", sizeBytes: 1 }, { filename: "b", sizeBytes }] },
    NOW,
    where,
  ));
for (const [tier, mib] of limits) {
  it(`[R12] postMessage(): size of files › ${mib} MiB each at level ${tier}, and not a byte more`, () => {
    const demo = demoWorld();
    demo.krill.premiumTier = tier;
    assert.equal(typeof upload(demo, mib * MIB), "string");
    assert.equal(upload(demo, mib * MIB + 1), 40005);
    assert.equal(upload(demo, 10 * MIB + 1, demo.malloryDm.id), 40005, "boosts are a guild's");
  });
}

describe("[R2] postMessage(): permissions of a channel", () => {
  const denied = ({ world, krill }: DemoWorld, permission: bigint) => {
    const overwrites = [{
      kind: "role" as const,
      id: krill.everyoneRoleId,
      allow: 0n,
      deny: permission,
    }];
    return addChannel(world, krill, { name: "strict", overwrites }, NOW);
  };

  it("no file without the permission to attach", () => {
    const demo = demoWorld();
    const { id } = denied(demo, PERMISSION.attachFiles);
    const attachments = [{ filename: "a.txt", sizeBytes: 1 }];
    assert.equal(read(post(demo, demo.people.grace.id, { attachments }, NOW, id)), 50013);
    assert.equal(
      typeof read(post(demo, demo.people.grace.id, { content: "x" }, NOW, id)),
      "string",
    );
  });

  it("no reply without the permission to read the history", () => {
    const demo = demoWorld();
    const { id } = denied(demo, PERMISSION.readMessageHistory);
    const messageId = String(read(post(demo, demo.people.ada.id, { content: "x" }, NOW, id)));
    const reference = { kind: "reply", messageId, failIfNotExists: true } as const;
    const draft = { content: "x", reference };
    assert.equal(read(post(demo, demo.people.grace.id, draft, NOW, id)), 160002);
  });

  it("no message in a forum itself", () => {
    const demo = demoWorld();
    const { id } = addChannel(demo.world, demo.krill, { name: "ideas", kind: "forum" }, NOW);
    assert.equal(read(post(demo, demo.people.ada.id, { content: "x" }, NOW, id)), 50008);
  });

  it("no deletion of another's direct message", () => {
    const demo = demoWorld();
    const { malloryDm, people, barnacle, world } = demo;
    const id = String(read(post(demo, people.mallory.id, { content: "x" }, NOW, malloryDm.id)));
    const gone = deleteMessage(world, malloryDm.id, id, barnacle.userId);
    assert.equal(gone.kind === "refused" && gone.refused.code, 50003);
  });
});

describe("[R8] editMessage() and deleteMessage()", () => {
  it("keeps files unless the edit lists them", () => {
    const demo = demoWorld();
    const { ada } = demo.people;
    const general = demo.channels.general.id;
    const attachments = ["a", "b"].map((filename) => ({ filename, sizeBytes: 1 }));
    const posted = post(demo, ada.id, { content: "x", attachments });
    assert.ok(posted.kind === "done");
    const { id, attachments: [, b] } = posted.value.message;
    const names = (edit: Parameters<typeof editMessage>[4]) => {
      const edited = editMessage(demo.world, general, id, ada.id, edit, NOW);
      return edited.kind === "done" && edited.value.attachments.map(({ filename }) => filename);
    };
    const c = { filename: "c", sizeBytes: 1 };
    assert.deepEqual(names({ content: "y" }), ["a", "b"]);
    assert.deepEqual(names({ attachments: { keep: "all", add: [c] } }), ["a", "b", "c"]);
    assert.deepEqual(names({ attachments: { keep: [b?.id ?? ""], add: [] } }), ["b"]);
    assert.deepEqual(names({ attachments: { keep: [], add: [c] } }), ["c"]);
  });

  it("refuses an edit in an archived thread", () => {
    const demo = demoWorld();
    const { ada } = demo.people;
    const { thread } = demo.channels;
    const id = String(read(post(demo, ada.id, { content: "x" }, NOW, thread.id)));
    changeThread(demo.world, thread, { isArchived: true });
    const edit = editMessage(demo.world, thread.id, id, ada.id, { content: "y" }, NOW);
    assert.equal(edit.kind === "refused" && edit.refused.code, 50083);
  });

  it("changes one's own message in its place", () => {
    const demo = demoWorld();
    const { ada } = demo.people;
    const first = read(post(demo, ada.id, { content: "first" }));
    post(demo, ada.id, { content: "second" });
    const general = demo.channels.general.id;
    const edited = editMessage(
      demo.world,
      general,
      String(first),
      ada.id,
      { content: "FIRST" },
      NOW,
    );
    assert.ok(edited.kind === "done");
    assert.equal(edited.value.editedAt, NOW);
    const messages = demo.world.channels.get(general)?.messages.values() ?? [];
    assert.deepEqual(Array.from(messages, ({ content }) => content), ["FIRST", "second"]);
  });

  it("leaves another author's message alone, except to delete it with the permission", () => {
    const demo = demoWorld();
    const { ada, grace } = demo.people;
    const id = String(read(post(demo, ada.id, { content: "mine" })));
    const general = demo.channels.general.id;
    const edit = editMessage(demo.world, general, id, grace.id, { content: "yours" }, NOW);
    assert.equal(edit.kind === "refused" && edit.refused.code, 50005);
    const gone = deleteMessage(demo.world, general, id, grace.id);
    assert.equal(gone.kind === "refused" && gone.refused.code, 50013);
    const own = String(read(post(demo, grace.id, { content: "hers" })));
    assert.equal(deleteMessage(demo.world, general, own, ada.id).kind, "done");
  });
});
