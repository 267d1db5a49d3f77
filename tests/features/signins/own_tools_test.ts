import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import type { Decision, Question } from "../../../src/core/people/question.ts";
import { type ToolContext, WaitsForPerson } from "../../../src/core/turn/tool.ts";
import {
  type EachServer,
  peoplesLogins,
  readyFor,
  showTool,
  signInTool,
} from "../../../src/features/signins/own_servers.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildPlace,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { type AccountServer, startAccountServer } from "../../support/model/own_accounts.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { toolboxOf, toolContext } from "../../support/model/tools.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { calAt, signInsAccount } from "./scene.ts";

const contextOf = (more: Partial<ToolContext> = {}): ToolContext =>
  toolContext({
    message: directMessage(),
    sessionKey: "agent:main:own:cal:direct:1",
    callKey: "1:1",
    mayWait: true,
    ...more,
  });

const decided = { kind: "answered", about: "limit" } as const;
const entered = (text: string): Decision => ({ ...decided, answer: { choice: "form", text } });
const chosen = (choice: string, by = directMessage().sender.id): Decision => ({
  ...{ ...decided, answer: { choice }, by },
});

/** A sign-in of one call: each answer of the person, and the card or the words that follow. */
async function play(
  server: AccountServer,
  answers: readonly ((address: string) => Partial<ToolContext>)[],
  wantedScope?: string,
) {
  using folder = tempDirectory();
  const scene = await signInsAccount(folder.path, server.url);
  const { account, keep, fileOf, ownOf } = scene;
  const { id } = directMessage().sender;
  if (wantedScope !== undefined) keep(id, { url: server.url, signedInAt: 0, wantedScope });
  const tool = signInTool(account, calAt(server.url));
  const ends: string[] = [];
  let question: Question | undefined;
  for (const answer of [() => ({}), ...answers]) {
    const context = contextOf(answer(question?.link?.url ?? ""));
    try {
      const noted: unknown[] = [];
      const noteEffect = (effect: unknown) => void noted.push(effect);
      const end = await tool.run({}, { ...context, noteEffect });
      ends.push(end);
      assert.deepEqual(noted, /^Nothing/.test(end) ? [{ isNone: true }] : []);
      await readyFor(account, ownOf(id)); // the message is answered again
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isSame = error instanceof WaitsForPerson &&
        error.question.link?.url === question?.link?.url;
      if (error instanceof WaitsForPerson) question = error.question;
      ends.push(
        error instanceof WaitsForPerson ? isSame ? "the same card" : "a card" : error.message,
      );
    }
  }
  const isKept = wantedScope === undefined && existsSync(fileOf(id));
  await scene.quiet();
  const again = scene.rows("SELECT * FROM inbox").length;
  await peoplesLogins.stop(account);
  return { ends, isKept, again, question };
}

type Row = readonly [
  what: string,
  answers: (server: AccountServer) => Parameters<typeof play>[1],
  ends: readonly (string | RegExp)[],
  isKept: boolean,
];

describe("[T13a] signInTool()", () => {
  const SIGNED_IN = /^The person has signed in, and their message is answered again/;
  const right = (server: AccountServer) => (address: string) => ({
    decision: entered(server.allow(address, "ada").href),
  });
  const rows: readonly Row[] = [
    ["takes the person's answer", (server) => [right(server)], ["a card", SIGNED_IN], true],
    [
      "takes it once, and asks no one again who has signed in, as after a crash",
      (server) => {
        let given = "";
        return [
          (address) => ({ decision: entered(given = server.allow(address, "ada").href) }),
          () => ({ callKey: "1:2", decision: entered(given) }),
        ];
      },
      ["a card", SIGNED_IN, "Nothing to do: they are signed in already."],
      true,
    ],
    [
      "shows the same card after another text",
      (server) => [() => ({ decision: entered("ABC") }), right(server)],
      ["a card", "the same card", SIGNED_IN],
      true,
    ],
    [
      "takes no answer of another authorization server",
      (server) => [(address) => {
        const back = server.allow(address, "ada");
        back.searchParams.set("iss", "https://evil.example");
        return { decision: entered(back.href) };
      }],
      ["a card", /issuer https:\/\/evil\.example does not match/],
      false,
    ],
    [
      "asks no second time for the message after Deny",
      () => [() => ({ decision: chosen("deny") }), () => ({ callKey: "1:2" })],
      ["a card", /do not ask again/, /do not ask again/],
      false,
    ],
    [
      "asks anew if the process has ended meanwhile",
      (server) => [
        () => ({ callKey: "9:9", decision: entered("http://127.0.0.1/callback") }),
        right(server),
      ],
      ["a card", "a card", /not signed in|signed in|card/],
      false,
    ],
    ["asks no one who is signed in", (server) => [right(server), () => ({ callKey: "1:2" })], [
      "a card",
      SIGNED_IN,
      "Nothing to do: they are signed in already.",
    ], true],
    ["asks no one who cannot be asked", () => [() => ({ callKey: "1:2", mayWait: undefined })], [
      "a card",
      /no person can be asked/,
    ], false],
  ];
  for (const [what, answers, ends, isKept] of rows) {
    it(what, async () => {
      await using server = await startAccountServer();
      const played = await play(server, answers(server));
      ends.forEach((end, at) =>
        typeof end === "string"
          ? assert.equal(played.ends[at], end)
          : assert.match(played.ends[at] ?? "", end)
      );
      assert.deepEqual([played.isKept, played.again], [isKept, isKept ? 1 : 0]);
      assert.deepEqual(played.question?.asked, [directMessage().sender.id]);
      assert.equal(played.question?.where, "direct");
    });
  }

  for (const [scopes, isLink] of [[1, true], [40, false]] as const) {
    it(`opens the address by a button if Discord takes it there, and names the one to bring back: ${scopes} scopes`, async () => {
      await using server = await startAccountServer();
      const scope = Array.from({ length: scopes }, (_, at) => `calendar.scope.${at}`).join(" ");
      const { question: { link, exact, facts } = assert.fail() } = await play(server, [], scope);
      const address = isLink ? link?.url : exact;
      assert.equal(URL.parse(address ?? "")?.searchParams.get("scope"), scope);
      assert.equal(isLink ? exact : link, undefined);
      assert.match(facts[0]?.value ?? "", /ends at `http:\/\/127\.0\.0\.1:8765\/callback\?…`/);
    });
  }
});

describe("[T13a] showTool()", () => {
  const place = { channelId: channelId("5"), guildId: guildId("6"), place: guildPlace() };
  const rows: readonly [what: string, decision: Decision | undefined, end: RegExp][] = [
    ["posts nothing without a card", undefined, /no person was asked/],
    ["posts nothing by an operator's word", chosen("once", userId("9")), /no person was asked/],
    ["posts nothing after Deny", chosen("deny"), /a person said no/],
  ];
  for (const [what, decision, end] of rows) {
    it(what, async () => {
      const tool = showTool({ id: "cal" } as EachServer);
      const message = {
        ...directMessage(),
        id: messageId("3"),
        origin: { kind: "own", server: "cal", from: place } as const,
      };
      const call = { id: "1", name: tool.name, arguments: '{"text":"free at ten"}' };
      const result = await toolboxOf([tool], new FakeClock())
        .run(call, contextOf({ decision, message }));
      assert.match("text" in result ? result.text : "", end);
    });
  }
});
