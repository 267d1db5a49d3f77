/**
 * Plays random conversations, whose model repeats every word that it reads, with a whole account. Then
 * a person is forgotten, or a message is deleted or edited.
 */

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import type { Model, ModelRequest } from "../../../src/core/model.ts";
import { changedInAll } from "../../../src/account/per_account.ts";
import type { Question } from "../../../src/core/people/question.ts";
import { defineTool, type Tool } from "../../../src/core/turn/tool.ts";
import { startUpkeep } from "../../../src/flows/upkeep.ts";
import { decideQuestion } from "../../../src/flows/questions/cards.ts";
import { setSchedule } from "../../../src/features/schedules/own.ts";
import { whenAborted } from "../../../src/lib/clock.ts";
import { messageId, userId } from "../../support/discord/builders.ts";
import { toolNamed } from "../../support/model/tools.ts";
import { CHANNEL, GUILD, messageData } from "../../support/discord/payloads.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import type { Store } from "../../../src/store/store.ts";
import { cases } from "../../support/long_form.ts";

const PEOPLE = ["adalovelace", "bobsmith", "cyclops"] as const;
type Name = (typeof PEOPLE)[number];
const ID: Readonly<Record<Name, string>> = {
  adalovelace: "1900000000000000001",
  bobsmith: "1900000000000000002",
  cyclops: "1900000000000000003",
};
const WORD = /\b(?:ada|bob|cyc)word\d+end\b/g;
const wordsIn = (text: string): readonly string[] => text.match(WORD) ?? [];

const who = fc.constantFrom(...PEOPLE);
const about = fc.nat({ max: 20 });
const step = fc.oneof(
  fc.record({
    kind: fc.constant("says" as const),
    who,
    carrier: fc.constantFrom("text", "embed", "attachment", "poll", "name"),
  }),
  fc.record({
    kind: fc.constant("asks" as const),
    who,
    isDirect: fc.boolean(),
    about: fc.option(about),
    as: fc.constantFrom("reply", "forward"),
  }),
  fc.record({ kind: fc.constant("reacts" as const), who, about }),
  fc.record({
    kind: fc.constant("looks" as const),
    who,
    about,
    /** How the result of a tool tells whose words it has. */
    by: fc.constantFrom("id", "note", "name"),
  }),
  fc.record({ kind: fc.constant("folds" as const) }),
  fc.record({ kind: fc.constant("resets" as const) }),
);

const QUESTION: Question = {
  kind: "ask",
  tool: "web_fetch",
  text: "",
  facts: [],
  choices: [{ key: "yes", label: "Yes" }],
  asked: "anyone",
  where: "channel",
  timeoutMs: 3_600_000,
};

interface Said {
  readonly id: string;
  readonly channelId: string;
  readonly by: Name | "bot";
  readonly content: string;
  /** A word of a question. */
  readonly asks?: string;
  readonly isForward?: boolean;
}

/** The bytes of a store's file and its log, once the flow has done its work. */
async function bytesOf(path: string, store: Store, clock: FakeClock): Promise<string> {
  const upkeep = startUpkeep({
    store,
    schedule: clock.schedule,
    now: clock.now,
    ...recordingLog(),
  });
  clock.advance(60_000);
  for (let looks = 0; looks < 100 && statSync(`${path}-wal`).size > 0; looks++) {
    clock.advance(300);
    await settle();
  }
  upkeep.stop();
  assert.equal(statSync(`${path}-wal`).size, 0, "the log is empty");
  return readFileSync(path, "latin1");
}

/** @param forwards Where people forward messages: Discord keeps those elsewhere, and so do sessions. */
async function build(forwards: "here" | "everywhere", folder: string) {
  const requests: ModelRequest[] = [];
  /** Those of the turn that ran during the change, since then. */
  let since: readonly ModelRequest[] = [];
  let gate: Promise<void> | undefined;
  let holds: Promise<void> | undefined;
  let parks = false;
  const said: Said[] = [];
  /** Messages that Discord does not show any more. */
  let isGone = (_: Said) => false;
  const model: Model = {
    id: "test/model",
    async *generate(request, signal) {
      requests.push(request);
      await Promise.race([gate, gate && whenAborted(signal)]);
      signal.throwIfAborted();
      const asked = /@you look at (\d+) by (\w+)\n<\/message>/.exec(
        request.messages.at(-1)?.text ?? "",
      );
      if (asked && request.messages.at(-1)?.role === "user") {
        const [, at, by] = asked;
        const call = {
          id: `call${requests.length}`,
          name: "web_fetch",
          arguments: JSON.stringify({ at, by, words: wordsIn(JSON.stringify(request)) }),
        };
        gate = holds; // until the result is there
        return void (yield { kind: "finish", reason: "tool_calls", calls: [call] });
      }
      const words = new Set(wordsIn(JSON.stringify(request)));
      yield { kind: "text", text: `I read ${[...words].join(" ")}.` };
      yield { kind: "finish", reason: "stop" };
    },
  };
  /** Shows a message. A program that tells no id names its author. */
  const look: Tool = defineTool({
    ...toolNamed("web_fetch"),
    input: z.strictObject({ at: z.string(), by: z.string(), words: z.array(z.string()) }),
    isIdempotent: false, // so that its steps are stored
    asks: ({ words }) =>
      Promise.resolve(parks ? { ...QUESTION, text: `May I? ${words.join(" ")}` } : undefined),
    async run({ at, by, words }, { noteRead, account, message, callKey }) {
      const text = ["of a model:", ...words].join(" ");
      const reminder = { when: "200h", text, agentId: "main", callKey };
      await setSchedule(account, message, reminder);
      const one = said[Number(at) % (said.length || 1)];
      if (!one || isGone(one)) return "nothing";
      if (by === "note") noteRead?.([messageId(one.id)]);
      // A deletion finds words by an id alone, and Discord tells that of a post.
      const how = by === "name" && (forwards === "here" || one.by === "bot") ? "id" : by;
      const named = { id: { id: one.id }, note: {}, name: { from: one.by } }[how];
      return JSON.stringify({ ...named, text: one.content });
    },
  });
  const tools = [look]; // the same list for all turns
  const path = join(folder, "barnacle.db");
  const killed = join(folder, "killed.db");
  const before = openTestStore({}, path);
  const scene = await testAccount({
    before,
    toolServices: { tools: () => tools },
    discord: {
      dm: { policy: "open", allowFrom: ["*"] },
      guilds: { [GUILD]: { users: Object.values(ID), reactionNotifications: "all" } },
    },
    beside: { messages: { groupChat: { historyLimit: 20 } } },
    model,
  });
  const { receive, rows, store, clock } = scene;
  let number = 0;
  const word = (by: Name) => `${by.slice(0, 3)}word${++number}end`;
  const nextId = () => String(1_400_000_000_000_000_000n + BigInt(++number) * 100_000_000n);
  const authorOf = (name: Name) => ({ id: ID[name], username: name, discriminator: "0" });
  const bodyOf = ({ id, by, content }: Said) =>
    messageData({
      id,
      content,
      author: by === "bot" ? { id: SELF.userId, username: "barnacle", bot: true } : authorOf(by),
    });

  async function write(
    name: Name,
    content: string,
    fields: Readonly<Record<string, unknown>> = {},
    more: Pick<Said, "asks" | "isForward"> = {},
  ): Promise<void> {
    const channelId = String(fields["channel_id"] ?? CHANNEL);
    const one: Said = { id: nextId(), channelId, by: name, content, ...more };
    said.push(one);
    clock.advance(30_000);
    await receive("MESSAGE_CREATE", { ...bodyOf(one), ...fields });
    await scene.pass(1_000); // until it is stored
    const posts = rows(
      "SELECT message_id, channel_id, message ->> '$.content' AS text FROM outbox",
    );
    for (const { message_id: id, channel_id: channel, text } of posts) {
      if (!id || said.some((other) => other.id === id)) continue;
      said.push({ id: String(id), channelId: String(channel), by: "bot", content: String(text) });
    }
  }

  const sessions = () =>
    rows("SELECT DISTINCT session_key FROM entry").map((row) => String(row["session_key"]));

  const ask = (words = "and now?") => {
    const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
    return write("cyclops", `<@${SELF.userId}> ${words}`, { mentions });
  };

  return {
    ...scene,
    said,
    sent: () => requests.length,
    /**
     * A turn waits for the first or the second answer of its model during a change, or then for a
     * person, or none does.
     */
    async during(
      answer: 0 | 1 | 2 | 3,
      goes: (one: Said) => boolean,
      change: () => Promise<unknown>,
    ): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      parks = answer === 3;
      if (answer > 0) {
        if (!parks) holds = promise;
        if (answer === 1) gate = holds;
        await ask("look at 0 by name");
      }
      const parked = await store.questions.open(clock.now());
      assert.equal(parked.length, parks ? 1 : 0, "the turn is parked");
      requests.length = 0;
      isGone = goes;
      await change();
      for (const end of ["", "-wal"]) copyFileSync(path + end, killed + end); // as after `kill -9`
      gate = holds = undefined;
      parks = false;
      resolve();
      await scene.pass(1_000);
      for (const { code } of await store.questions.open(clock.now())) {
        await decideQuestion(scene.account, {
          by: { code },
          answer: { choice: "yes" },
          now: clock.now(),
        });
        await scene.pass(1_000);
      }
      since = requests.splice(0);
    },
    async play(one: Step): Promise<void> {
      switch (one.kind) {
        case "says": {
          const text = word(one.who);
          const fields = {
            text: {},
            embed: { content: "", embeds: [{ type: "rich", description: text }] },
            attachment: {
              content: "",
              attachments: [{ id: "5", filename: `${text}.zip`, size: 9, url: "https://x.test/a" }],
            },
            poll: {
              content: "",
              poll: {
                question: { text },
                answers: [{ answer_id: 1, poll_media: { text: "yes" } }],
                allow_multiselect: false,
              },
            },
            name: { member: { roles: [], nick: text } },
          }[one.carrier];
          return await write(one.who, text, fields);
        }
        case "asks": {
          const channelId = one.isDirect ? `16${ID[one.who].slice(2)}9` : CHANNEL;
          const all = one.as === "reply" || forwards === "here"
            ? said.filter((one) => one.channelId === channelId)
            : said;
          const found = one.about === null ? undefined : all[one.about % (all.length || 1)];
          const asks = word(one.who);
          const mention = `<@${SELF.userId}> ${asks}`;
          const direct = one.isDirect && {
            guild_id: undefined,
            member: undefined,
            channel_type: 1,
            channel_id: channelId,
          };
          const reference = found && { message_id: found.id, channel_id: found.channelId };
          const about = found &&
            (one.as === "reply"
              ? { type: 19, message_reference: reference, referenced_message: bodyOf(found) }
              : {
                message_reference: { ...reference, type: 1 },
                message_snapshots: [{ message: { content: found.content } }],
              });
          const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
          const fields = { mentions, ...about, ...direct };
          return await write(one.who, mention, fields, { asks, isForward: one.as === "forward" });
        }
        case "looks": {
          const text = `<@${SELF.userId}> look at ${one.about} by ${one.by}`;
          const mentions = [{ id: SELF.userId, username: "barnacle", discriminator: "0" }];
          return await write(one.who, text, { mentions });
        }
        case "reacts": {
          const here = said.filter(({ channelId }) => channelId === CHANNEL);
          const found = here[one.about % (here.length || 1)];
          if (!found) return;
          await receive("MESSAGE_REACTION_ADD", {
            user_id: ID[one.who],
            channel_id: CHANNEL,
            guild_id: GUILD,
            message_id: found.id,
            message_author_id: found.by === "bot" ? SELF.userId : ID[found.by],
            member: { user: authorOf(one.who), roles: [] },
            emoji: { id: null, name: "👍" },
          });
          return await scene.pass(1_000);
        }
        case "folds":
          for (const sessionKey of sessions()) {
            const { older, entries, changes } = await store.sessions.openEntries(sessionKey, 100);
            const last = entries.at(-1);
            if (!last) continue;
            const text = wordsIn(JSON.stringify(entries)).join(" ");
            await store.sessions.fold({
              agentId: "main",
              sessionKey,
              cause: "full",
              count: older + entries.length,
              last: { messageId: last.messageId, role: last.role },
              summary: { boundary: "boundary1", text },
              modelId: "test/model",
              changes,
            }, clock.now());
          }
          return;
        case "resets":
          for (const key of sessions()) await store.sessions.reset(key, "command", clock.now());
      }
    },
    /**
     * All that the store, its files and its backups, the bot's log and a later request to the model
     * have. A process that was killed after the change has started again with the same files.
     */
    async traces(): Promise<Readonly<Record<string, string>>> {
      const next = openTestStore({}, killed);
      const files = [
        await bytesOf(killed, next.store, new FakeClock()),
        await bytesOf(path, store, clock),
      ].join();
      next.store.close();
      scene.database.prepare("VACUUM INTO ?").run(join(folder, "backup.db"));
      const tables = rows(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')",
      ).map(({ name }) => String(name));
      const dump = tables.map((name) => [name, JSON.stringify(rows(`SELECT * FROM "${name}"`))]);
      requests.length = 0;
      await ask();
      assert.equal(requests.length, 1, "the bot goes on");
      return {
        ...Object.fromEntries(dump),
        files,
        backup: readFileSync(join(folder, "backup.db"), "latin1"),
        log: JSON.stringify(scene.lines),
        request: JSON.stringify(requests),
        running: JSON.stringify(since),
      };
    },
  };
}

type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

const goes = fc.constantFrom("adalovelace" as const, "bobsmith" as const);
const during = fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const);
const steps = fc.array(step, { minLength: 1, maxLength: 12 });

/** Bob's words are in a turn that waits for a person; Ada's question and the tool's result are whole. */
const ALL_OF_IT: [Step[], "bobsmith", 3] = [
  [
    { kind: "says", who: "bobsmith", carrier: "text" },
    { kind: "asks", who: "adalovelace", isDirect: false, about: null, as: "reply" },
    { kind: "looks", who: "adalovelace", about: 0, by: "id" },
  ],
  "bobsmith",
  3,
];

describe("[X5] [H6a] words", () => {
  it("of a forgotten person are nowhere, also repeated by others, whose own words stay", async () => {
    let kept = 0;
    let looked = 0;
    let parked = 0;
    await fc.assert(
      fc.asyncProperty(steps, goes, during, async (all, gone, answer) => {
        using folder = tempDirectory();
        const scene = await build("everywhere", folder.path);
        for (const one of all) await scene.play(one);
        const before = JSON.stringify(scene.rows("SELECT parts FROM entry"));
        looked += scene.rows("SELECT 1 FROM entry WHERE role = 'tool'").length;
        const { forgetting } = scene.store;
        await scene.during(answer, ({ by }) => by === gone, async () => {
          await forgetting.forget(userId(ID[gone]), false);
          changedInAll(scene.account.bot, "forgetting", userId(ID[gone]));
          await scene.quiet();
          if (answer === 3) parked += scene.sent();
          else assert.equal(scene.sent(), answer === 0 ? 0 : 1, "the turn begins anew");
        });
        const isTheirs = (word: string) => word.startsWith(gone.slice(0, 3));
        for (const [place, text] of Object.entries(await scene.traces())) {
          assert.deepEqual(wordsIn(text).filter(isTheirs), [], place);
          if (place !== "log") assert.ok(!text.includes(ID[gone]), `${place} has the id`);
        }
        const after = JSON.stringify(scene.rows("SELECT parts FROM entry"));
        for (const { by, asks, isForward } of scene.said) {
          if (!asks || isForward || by === gone || !before.includes(asks)) continue;
          assert.ok(after.includes(asks), asks);
          kept++;
        }
      }),
      { numRuns: cases(15, 500), examples: [ALL_OF_IT] },
    );
    assert.ok(kept > 0 && looked > 0 && parked > 0, "the cases have all of it");
  });

  it("of a deleted message are nowhere, also repeated by others", () =>
    fc.assert(
      fc.asyncProperty(steps, fc.nat(), during, async (all, at, answer) => {
        using folder = tempDirectory();
        const scene = await build("here", folder.path);
        for (const one of all) await scene.play(one);
        const people = scene.said.filter(({ by }) => by !== "bot");
        const gone = people[at % (people.length || 1)];
        if (!gone) return;
        const { id, channelId: channel_id, content } = gone;
        const guild_id = channel_id === CHANNEL ? GUILD : undefined;
        await scene.during(
          answer,
          (one) => one.id === id,
          async () => {
            await scene.receive("MESSAGE_DELETE", { id, channel_id, guild_id });
            const isRead = channel_id === CHANNEL && (answer === 1 || answer === 2);
            assert.ok(!isRead || scene.sent() === 1, "the turn begins anew");
          },
        );
        const words = new Set(wordsIn(content));
        for (const [place, text] of Object.entries(await scene.traces())) {
          assert.deepEqual(wordsIn(text).filter((word) => words.has(word)), [], place);
        }
      }),
      { numRuns: cases(15, 500) },
    ));
});
