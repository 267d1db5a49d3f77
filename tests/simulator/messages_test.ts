import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { UserId } from "../../src/core/ids.ts";
import { type DemoWorld, demoWorld } from "../../src/simulator/demo_world.ts";
import { EMPTY_DRAFT, type MessageDraft } from "../../src/simulator/draft.ts";
import { changeThread } from "../../src/simulator/changes.ts";
import { addChannel } from "../../src/simulator/founding.ts";
import { PERMISSION } from "../../src/simulator/permissions.ts";
import { deleteMessage, editMessage, postMessage } from "../../src/simulator/messages.ts";

const NOW = Date.UTC(2026, 0, 2);
const WINDOW_MS = 1_000;

const post = (
  { world, channels }: DemoWorld,
  userId: UserId,
  draft: Partial<MessageDraft>,
  now = NOW,
  channelId: string = channels.general.id,
) => postMessage(world, channelId, { kind: "user", userId }, { ...EMPTY_DRAFT, ...draft }, now);

/** What an outcome comes to: the message's id, or the code of the refusal. */
const read = (outcome: ReturnType<typeof post>): string | number =>
  outcome.kind === "done" ? outcome.value.message.id : outcome.refused.code;

describe("[D2] postMessage(): the nonce law", () => {
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

  it("the same author and nonce within the window is the same message, deleted or not", () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const demo = demoWorld({ nonceWindowMs: WINDOW_MS });
      const known = new Map<string, { readonly id: string; readonly at: number }>();
      const there: { readonly id: string; readonly author: UserId; readonly channel: string }[] =
        [];
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
      const kept = [...demo.world.channels.values()].flatMap((
        { messages },
      ) => [...messages.keys()]);
      assert.deepEqual(kept.sort(), there.map(({ id }) => id).sort());
    }));
  });
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

  it("forgets the oldest beyond what is kept", () => {
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
    [50083, "an archived thread", (demo) => {
      changeThread(demo.world, demo.channels.thread, { isArchived: true });
      return post(demo, demo.people.ada.id, { content: "x" }, NOW, demo.channels.thread.id);
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
});

describe("[R2] postMessage(): what a channel lets", () => {
  const denied = (demo: DemoWorld, permission: bigint) => {
    const { world, krill } = demo;
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

  it("no reply without the permission to read back", () => {
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

  it("leaves another's message alone, unless the permission is there to delete it", () => {
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
