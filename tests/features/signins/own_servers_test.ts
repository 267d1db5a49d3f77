/** Tests which messages become turns with a person's own account, and the tools of these (T13a). */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { CommandCall, InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { cameBy, type Origin } from "../../../src/core/inbound/inbound.ts";
import type { AcceptedBatch } from "../../../src/core/inbound/inbox.ts";
import { askPrivately, runSignIns, toolsFor } from "../../../src/features/signins/own_servers.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import {
  directMessage,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { toolContext } from "../../support/model/tools.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

async function open(
  dataDir: string,
  outcome: "direct" | "refused" = "direct",
  dm: "pairing" | "allowlist" = "pairing",
) {
  const each = (url: string) => ({ url, login: "each" });
  const servers = { cal: each("http://127.0.0.1:9/"), mail: each("http://127.0.0.1:9/") };
  const bot = await testAccount({
    discord: { token: "token", dm: { policy: dm }, guilds: { [guildMessage().guildId ?? ""]: {} } },
    beside: { mcp: { servers } },
    answer: ({ path }) => path === "/users/@me/channels" ? { id: "77" } : undefined,
  });
  const { account, store } = bot;
  const asked: InboundMessage[] = [];
  Object.assign(store.pairing, { isPaired: () => Promise.resolve(outcome === "direct") });
  Object.assign(store.inbox, {
    acceptBatch({ judged }: AcceptedBatch) {
      asked.push(...judged.map(({ message }) => message));
      return Promise.resolve({ unanswered: [] });
    },
  });
  let isClosed = false;
  const { policy } = account;
  Object.assign(account, { policy: () => ({ ...policy(), mayAct: () => !isClosed }) });
  Object.assign(account.bot, { dataDir });
  const told: unknown[] = [];
  const call = async (
    message: InboundMessage,
    also?: readonly InboundMessage[],
    server = "cal",
  ) => {
    const scene = await testAccount({});
    const asking = { message, also, callKey: "1:1", sessionKey: "", account: scene.account };
    const answer = askPrivately(account, server, toolContext(asking));
    answer.catch(() => {});
    await scene.pass(10_000);
    const opened = scene.requests.filter(({ path }) => path === "/users/@me/channels");
    told.push(...opened.map(({ body }) => Object(body).recipient_id));
    assert.equal(scene.posted().length, opened.length);
    return await answer;
  };
  return { account, asked, told, call, close: () => void (isClosed = true) };
}

describe("[T13a] own accounts", () => {
  const rows: readonly [what: string, message: InboundMessage, isTaken: boolean][] = [
    ["a message of a channel", guildMessage(), true],
    ["a direct message", directMessage(), true],
    ["a question by a command", guildMessage({ origin: { kind: "command" } }), true],
    [
      "the run of a schedule",
      guildMessage({ origin: { kind: "schedule", scheduleId: 1, dueAt: 1 } }),
      false,
    ],
    [
      "an event of a program",
      guildMessage({ origin: { kind: "hook", hook: "ci", count: 1, post: "" } }),
      false,
    ],
    ["the run of a passive agent", guildMessage({ origin: { kind: "passive" } as Origin }), false],
    ["a turn of that kind", directMessage({ origin: { kind: "own", server: "cal" } }), false],
    ["another bot", guildMessage({ sender: sender({ automaton: "bot" }) }), false],
    [
      "a member of a PluralKit system",
      guildMessage({ sender: sender({ pluralkit: { memberId: "abcde", name: "A" } }) }),
      false,
    ],
  ];
  for (const [what, message, isTaken] of rows) {
    it(`${isTaken ? "takes" : "does not take"} ${what}`, async () => {
      using folder = tempDirectory();
      const { asked, told, call } = await open(folder.path);
      const ended = await call(message).catch(String);
      assert.equal(asked.length, isTaken ? 1 : 0, ended);
      assert.match(ended, isTaken ? /answered in their direct messages/ : /only a person's own/);
      const isElsewhere = isTaken && message.place.kind === "guild";
      assert.deepEqual(told, isElsewhere ? [message.sender.id] : []);
    });
  }

  it("takes a message once for each server and text, with all of its words and its place", async () => {
    using folder = tempDirectory();
    const { asked, call } = await open(folder.path);
    const message = guildMessage({ text: "and today?" });
    const edited = { ...message, revision: 1 };
    await call(message, [guildMessage({ id: messageId("1400000000000000002"), text: "please" })]);
    for (const [one, server] of [[message, "cal"], [edited, "cal"], [message, "mail"]] as const) {
      await call(one, undefined, server);
    }
    const [first, again, other, mail] = asked.map(({ id }) => id);
    assert.equal(first, again);
    assert.equal(new Set([first, other, mail]).size, 3);
    const [{ text, origin, ...question } = assert.fail()] = asked;
    assert.equal(text, "and today?\nplease");
    const { channelId, guildId, place } = message;
    assert.deepEqual(origin, { kind: "own", server: "cal", from: { channelId, guildId, place } });
    assert.deepEqual([question.place, question.guildId, question.channelId], [
      { kind: "dm" },
      undefined,
      "77",
    ]);
  });

  it("knows in direct messages where the person has asked last, while the config lets the bot act there", async () => {
    using folder = tempDirectory();
    const { asked, call, close } = await open(folder.path);
    const message = guildMessage();
    const { channelId, guildId, place, sender: asker } = message;
    const goOn = (of = asker, server = "cal") =>
      call(directMessage({ text: "show it", sender: of }), undefined, server);
    await call(message);
    await goOn();
    await goOn(sender({ id: userId("9") }));
    await goOn(asker, "mail");
    close();
    await goOn();
    const from = { channelId, guildId, place };
    const places = asked.map((one) => cameBy(one, "own")?.from);
    assert.deepEqual(places, [from, from, undefined, from, undefined]);
  });

  const closed = [
    ["pairing", /write me a direct message; my answer there says how/],
    ["allowlist", /channels\.discord\.dm closes to them. Tell them to ask/],
  ] as const;
  for (const [policy, why] of closed) {
    it(`says how a person gets access to direct messages: ${policy}`, async () => {
      using folder = tempDirectory();
      const { told, call } = await open(folder.path, "refused", policy);
      await assert.rejects(call(guildMessage()), why);
      assert.deepEqual(told, []);
    });
  }

  it("gives a turn the tools of its server alone", async () => {
    using folder = tempDirectory();
    const { account } = await open(folder.path);
    const names = (server: string) =>
      toolsFor(account, directMessage({ origin: { kind: "own", server } })).map(({ name }) => name);
    assert.deepEqual(names("cal"), ["mcp__cal__sign_in", "mcp__cal__show_in_channel"]);
    assert.deepEqual(names("gone"), []);
  });

  it("ends by a command no sign-in of another person", async () => {
    using folder = tempDirectory();
    const { account } = await open(folder.path);
    const fileOf = (id: string) =>
      join(folder.path, "mcp/own.logins", id, "default/cal.login.json");
    for (const id of ["1", "2"]) {
      mkdirSync(join(fileOf(id), ".."), { recursive: true });
      writeFileSync(fileOf(id), "sealed");
    }
    const end = (server: string) =>
      runSignIns(
        account,
        { sender: sender({ id: userId("1") }), options: { end: server } } as unknown as CommandCall,
      );
    for (const name of ["../../2/default/cal", "mail", "CAL"]) {
      assert.match(end(name), /no login to/);
    }
    assert.match(end("cal"), /deleted the login to `cal`/);
    assert.deepEqual(["1", "2"].map((id) => existsSync(fileOf(id))), [false, true]);
  });
});
