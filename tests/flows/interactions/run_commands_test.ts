import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Given, runBeside } from "../../support/bot/test_account.ts";
import { ADA, commandAccount, GRACE } from "../../support/bot/commands.ts";
import { refused } from "../../support/discord/answers.ts";
import { CHANNEL, GUILD } from "../../support/discord/payloads.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { DecidingOutcome } from "../../../src/core/people/question.ts";
import { approvals } from "../../../src/flows/inbound/stored.ts";

const NOT_AUTHORIZED = "You are not authorized to do that.";
const UNKNOWN = refused(404, 10015);
const FORBIDDEN = refused(403, 50013);
const OPEN = { guilds: { [GUILD]: { requireMention: false } } };

/** An account to whose answers Discord says this, one after the other. */
function refusing(failures: Error[], given: Given = {}) {
  const answer: Given["answer"] = ({ path }) =>
    path.startsWith("/webhooks/") ? failures.shift() : undefined;
  return commandAccount({ discord: OPEN, answer, ...given });
}

describe("[K2] [K3] slash commands", () => {
  it("are refused in words, a few a second, also those that are gone, and logged once a minute", async () => {
    const { slash, pass, lines } = await commandAccount();
    const told = async (count: number) => {
      const texts: string[] = [];
      for (let n = 0; n < count; n++) {
        texts.push(await slash(n % 2 ? "status" : "gone", {}, { as: ADA }));
      }
      return texts.filter((text) => text === NOT_AUTHORIZED).length;
    };
    const refusals = () => lines.filter(({ event }) => event.startsWith("Refused a command"));
    assert.equal(await told(20), 5, "[X4a] half of the requests for people who know");
    await pass(1_000);
    assert.equal(await told(20), 5);
    assert.deepEqual(refusals().map(({ level, fields }) => [level, fields.why]), [
      ["debug", "pairing"],
    ]);
    await pass(60_000);
    await told(1);
    assert.equal(refusals().length, 2);
  });

  it("[P16] are open in direct messages to owners and to paired people", async () => {
    const { slash, store, account } = await commandAccount();
    const admitted: string[] = [];
    Object.assign(account, { connection: { admit: (id: string) => admitted.push(id) } });
    assert.equal(await slash("whoami", {}, { as: ADA }), NOT_AUTHORIZED);
    Object.assign(store.pairing, { isPaired: () => Promise.resolve(true) });
    assert.match(await slash("whoami", {}, { as: ADA }), /You are <@19/);
    assert.equal(await slash("agents", {}, { as: ADA }), NOT_AUTHORIZED);
    assert.match(await slash("agents"), /^`main`/);
    assert.deepEqual(admitted, [GRACE.id], "[X4a] an owner's commands wait for no one's");
  });

  it("[K3] ask Discord for the application's owner only if the config names none", async () => {
    for (const beside of [{ commands: {} }, {}]) {
      const { slash, requests } = await commandAccount({ beside, discord: OPEN });
      assert.match(await slash("agents", {}, { in: "guild" }), /^`main`/);
      const asked = requests.some(({ path }) => path === "/applications/@me");
      assert.equal(asked, "commands" in beside);
      assert.match(await slash("whoami"), /You are/);
      assert.equal(await slash("whoami", {}, { as: ADA }), NOT_AUTHORIZED, "nor is she paired");
    }
  });

  it("answer a failure with an id that the log explains, without the person's words", async () => {
    const { slash, store, lines } = await commandAccount();
    Object.assign(store.notes, { find: () => Promise.reject(new Error("disk full")) });
    const text = await slash("memory", { show: 1, text: "words of the asker" });
    const failed = lines.find(({ event }) => event === "A command failed");
    assert.ok(text.includes(String(failed?.fields.interactionId)), text);
    assert.equal(failed?.level, "error");
    assert.doesNotMatch(JSON.stringify(lines), /s3cret|words of the asker/);
  });

  it("[R9] [R10] show no secret and no preview, as suggestions, text commands and buttons do", async () => {
    const secret = "hunter2";
    const bot = await commandAccount(WRITES);
    const { slash, suggestions, write, press, store, requests, rows } = bot;
    const note = { id: 1, scope: "user", text: `tea with ${secret}` };
    Object.assign(store.notes, { by: () => Promise.resolve([note]) });
    Object.assign(store.messages, { askersNames: () => Promise.resolve(new Map([["1", secret]])) });
    const text = "**1** (user) tea with [redacted]";
    assert.equal(await slash("memory"), text);
    assert.equal(requests.at(-1)?.body["flags"], 1 << 2);
    assert.match(JSON.stringify(await suggestions("forget", { who: "hunt" })), /\[redacted\]/);
    await write("/memory", { author: GRACE, guild_id: undefined, member: undefined });
    const [answer] = rows("SELECT message FROM outbox ORDER BY id DESC LIMIT 1");
    const { content, suppressesEmbeds } = JSON.parse(String(answer?.["message"]));
    assert.deepEqual([content, suppressesEmbeds], [text, true]);
    approvals.start(bot.account);
    await bot.dm("hello", { author: { ...ADA, username: secret } });
    const [row] = rows("SELECT approve_button AS yes FROM pairing_request");
    assert.match((await press(String(row?.["yes"]))).join(), /\[redacted\].* may write to me now/);
    assert.doesNotMatch(JSON.stringify(requests), /hunter2/);
  });

  it("[K5] are answered again while Discord does not know the deferral yet", async () => {
    const { slash, pass, requests, posted } = await refusing([UNKNOWN, UNKNOWN]);
    await slash("whoami");
    await pass(250, 50);
    const answers = requests.filter(({ path }) => path.startsWith("/webhooks/"));
    assert.equal(answers.length, 3);
    assert.deepEqual(posted(), []);
  });

  it("[K5] are answered by direct message if a deferral never arrived; a refusal is not", async () => {
    for (const as of [GRACE, ADA]) {
      const { slash, pass, posted, lines } = await refusing(Array(6).fill(UNKNOWN));
      await slash("whoami", {}, { as });
      await pass(10_000, 1_000);
      assert.equal(
        posted().filter((text) => /You are|authorized/.test(text)).length,
        as === GRACE ? 1 : 0,
      );
      const unanswered = lines.filter(({ event }) => event === "Cannot answer a command");
      assert.equal(unanswered.length, as === GRACE ? 0 : 1);
      assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    }
  });

  it("[K5] are answered by direct message once the token has ended, and asked for no answer", async () => {
    const { slash, posted, requests } = await commandAccount();
    await slash("whoami", {}, { fields: { id: "1400000000000000001" } });
    assert.match(posted().join(), /You are/);
    assert.ok(!requests.some(({ path }) => path.startsWith("/webhooks/")));
  });

  it("[K5] are answered by direct message at once if Discord forbids it in the place", async () => {
    const { slash, posted, rows } = await refusing([FORBIDDEN]);
    await slash("whoami", {}, { in: "guild" });
    assert.match(posted().join(), /You are/);
    const [sent] = rows("SELECT message FROM outbox");
    assert.equal(JSON.parse(String(sent?.["message"])).suppressesEmbeds, true, "[K2]");
  });

  it("[K5] are answered by direct message and by fixed words if Discord takes no such answer", async () => {
    const { slash, posted, requests } = await refusing([refused(400, 50035)]);
    await slash("whoami", {}, { in: "guild" });
    const answers = requests.filter(({ path }) => path.startsWith("/webhooks/"));
    assert.match(String(answers.at(-1)?.body["content"]), /^Discord doesn't take my answer/);
    assert.match(posted().join(), /You are/);
  });

  it("[K5] are answered by no one, and logged, if the store takes no message either", async () => {
    const { slash, pass, store, lines } = await refusing([FORBIDDEN]);
    Object.assign(store.outbox, { addAll: () => Promise.reject(new Error("disk full")) });
    await slash("whoami", {}, { in: "guild" });
    await pass(60_000, 5_000);
    const failed = lines.filter(({ fields }) => /disk full/.test(String(fields["error"])));
    assert.equal(failed.length, 1);
  });

  it("[K5] [K6] stop the turn of a question that may not be answered in its place", async () => {
    const { slash, posted, rows } = await refusing([FORBIDDEN], {
      says: () => new Promise(() => {}),
    });
    await slash("new", { message: "when is high tide?" }, { in: "guild" });
    assert.match(posted().join(), /^I may not write in this channel/);
    assert.deepEqual(rows("SELECT state FROM inbox"), [{ state: "stopped" }]);
  });

  it("[K6] are not those of a message's menu", async () => {
    const { menu, slash } = await commandAccount();
    const message = { id: "1400000000000000009", content: "hi", author: ADA };
    assert.match(await menu("Why no answer?", message), /^I have no record/);
    assert.match(await menu("whoami", message), /no longer have this command/);
    assert.match(await slash("Why no answer?"), /no longer have this command/);
  });
});

describe("[K1] [M4] commands in messages", () => {
  const texts = async (given: Given = {}) => {
    const bot = await commandAccount({
      discord: { ...OPEN, dm: { policy: "open", allowFrom: ["*"] } },
      ...given,
    });
    const said = async (text: string, fields?: object) => {
      await bot.write(text, fields);
      return bot.posted().at(-1) ?? "";
    };
    return { ...bot, said };
  };
  /** A guild in which Ada may do everything, or only read. */
  const owned = (owner: string): Given["answer"] => ({ path }) => {
    const roles = [{ id: GUILD, name: "@everyone", permissions: "1024", position: 0 }];
    const [, rest] = new RegExp(`^/guilds/${GUILD}(.*)$`).exec(path) ?? [];
    if (rest === "") return { id: GUILD, name: "Friends", owner_id: owner, roles };
    if (rest === "/roles") return roles;
    if (rest === "/channels") {
      return [{ id: CHANNEL, type: 0, name: "x", permission_overwrites: [] }];
    }
    return rest === `/members/${ADA.id}` ? { user: ADA, roles: [] } : undefined;
  };

  it("run with the rights that Discord tells", async () => {
    const manager = await texts({ answer: owned(ADA.id) });
    assert.match(await manager.said("/reset"), /is new already/);
    const member = await texts({ answer: owned(GRACE.id) });
    assert.equal(await member.said("/reset"), NOT_AUTHORIZED);
    await member.said("/reset");
    assert.equal(member.posted().length, 1, "[X4a] once a minute; then a mark");
  });

  it("answer privately only in direct messages, and name the menu otherwise", async () => {
    const { said, dm, posted } = await texts();
    for (const text of ["usage", "memory", "signins", "approve", "config get a"]) {
      const menu = new RegExp(`Use \`/${text.split(" ")[0]}\` from Discord's menu, or`);
      assert.match(await said(`/${text}`, { author: GRACE }), menu);
    }
    await dm("/usage");
    assert.match(posted().at(-1) ?? "", /^Today/);
    await dm("/catchup");
    assert.match(posted().at(-1) ?? "", /^Use `\/catchup` from/);
  });

  it("show how to write one whose words do not fit", async () => {
    const { said } = await texts();
    assert.match(await said("/forget"), /^Use `\/forget` from/);
    assert.match(await said("/skill"), /`\/skill <name> \[input\]`$/);
  });
});

describe("[K2] suggestions", () => {
  it("[K3] go to people with the right, at most 25, and to no one else", async () => {
    const { suggestions, store } = await commandAccount({ discord: OPEN });
    const long = "x".repeat(100);
    const names = new Map(Array.from({ length: 30 }, (_, n) => [`${n}`, `grace ${n} ${long}`]));
    Object.assign(store.messages, { askersNames: () => Promise.resolve(names) });
    const found = await suggestions("forget", { who: "grace" });
    assert.equal(found?.length, 25);
    assert.ok(found.every(({ name }) => name.length <= 100));
    assert.equal(await suggestions("forget", { who: "" }, { as: ADA }), undefined);
    const member = { as: ADA, in: "guild", subcommand: "get" } as const;
    assert.equal(await suggestions("config", { path: "" }, member), undefined);
    assert.deepEqual(await suggestions("whoami", { where: "" }), []);
    assert.deepEqual(await suggestions("gone", { where: "" }), []);
  });

  it("[K5] are none after a second, and after a failure", async () => {
    const { suggestions, store, lines, pass, requests } = await commandAccount();
    Object.assign(store.messages, { askersNames: () => new Promise(() => {}) });
    assert.equal(await suggestions("forget", { who: "" }), undefined, "it still waits");
    await pass(1_000);
    assert.deepEqual(requests.at(-1)?.body["data"], { choices: [] });
    Object.assign(store.messages, { askersNames: () => Promise.reject(new Error("disk full")) });
    assert.deepEqual(await suggestions("forget", { who: "" }), []);
    assert.equal(lines.at(-1)?.level, "debug");
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
  });
});

const DEAD = "This button is old and no longer works. Ask me again if you still need it.";
const WRITES = { discord: { dm: { policy: "pairing" } } };

/** An owner has the buttons of Ada's pairing request. */
async function asked(given: Given = {}) {
  const bot = await commandAccount({ ...WRITES, ...given });
  let drawn = 0;
  Object.assign(bot.account, { draw: (count: number) => new Uint8Array(count).fill(++drawn) });
  approvals.start(bot.account);
  await bot.dm("hello");
  const [row] = bot.rows("SELECT approve_button AS yes, deny_button AS no FROM pairing_request");
  const paired = () => bot.rows("SELECT username FROM paired").map(({ username }) => username);
  return { ...bot, yes: String(row?.["yes"]), no: String(row?.["no"]), paired };
}

describe("[P3] the buttons of a pairing request", () => {
  it("let a stranger in by an owner's press, tell them, and name the owner", async () => {
    const { press, yes, posted, paired, lines } = await asked();
    const [text = ""] = await press(yes);
    assert.match(text, /^`ada` .* may write to me now\. <@900000000000000001> approved it\.$/);
    assert.equal(posted().at(-1), "You're approved. You can write to me now.");
    assert.deepEqual(paired(), ["ada"]);
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    assert.match((await press(yes)).join(), /already decided/);
  });

  it("deny without a word to the stranger, and end with the request", async () => {
    const { press, no, yes, posted, paired, pass } = await asked();
    const before = posted();
    assert.match((await press(no)).join(), /may not write to me\. <@9\d+> denied it\.$/);
    assert.deepEqual([posted(), paired()], [before, []]);
    await pass(3_700_000);
    assert.match((await press(yes)).join(), /already decided|has expired|is old/);
  });

  it("[P16] do nothing for a person who is no owner", async () => {
    const { press, yes, paired, lines } = await asked({
      discord: { dm: { policy: "pairing", allowFrom: [ADA.id] } },
    });
    const button = yes === "undefined" ? "pairing:made-up" : yes;
    assert.deepEqual(await press(button, { as: ADA }), ["You are not authorized to do that."]);
    assert.deepEqual(paired(), []);
    const line = lines.find(({ event }) => event.startsWith("Refused a button"));
    assert.deepEqual([line?.level, line?.fields.why], ["warn", "not-owner"]);
  });

  it("[K5] answer if the store fails, and log it", async () => {
    const { press, yes, store, lines } = await asked();
    Object.assign(store.pairing, { decide: () => Promise.reject(new Error("disk full")) });
    assert.match((await press(yes)).join(), /^I can't tell whether that worked/);
    assert.equal(lines.at(-1)?.level, "error");
  });
});

describe("[X4a] [P16] uses without effect", () => {
  it("tell a person one refusal a minute, with one line of the log", async () => {
    const { press, lines, pass } = await commandAccount();
    const refused = () => lines.filter(({ event }) => event.startsWith("Refused a button"));
    const told: string[] = [];
    for (let n = 0; n < 50; n++) told.push(...await press(`gone:${n}`, { as: ADA }));
    assert.deepEqual([told, refused().length], [[DEAD], 1]);
    await pass(60_000);
    assert.equal((await press("pairing:1", { as: ADA })).length, 1);
  });

  it("[K5] answer what does not fit, with an id that the log explains", async () => {
    const { slash, press, lines } = await commandAccount();
    const use = { as: { ...ADA, id: "ada" } };
    const answers = [
      () => slash("status", {}, use),
      async () => (await press("gone:1", use)).join(),
    ];
    for (const answer of answers) {
      const text = await answer();
      const read = lines.findLast(({ event }) => event === "Cannot read an interaction");
      assert.equal(read?.fields.why, "the sender does not fit");
      assert.ok(text.includes(String(read.fields.interactionId)), text);
    }
  });

  it("refuse each form in words, a few a second", async () => {
    const { submit, lines } = await commandAccount();
    const told: string[] = [];
    for (let n = 0; n < 20; n++) told.push(await submit("gone:1", "", { as: ADA }));
    assert.deepEqual(told.filter((text) => text !== ""), Array(5).fill(DEAD));
    assert.equal(lines.filter(({ event }) => event.startsWith("Refused a modal")).length, 1);
  });

  for (
    const customId of ["", "approval:1", "pairing", "PAIRING:yes", "pairing:made-up", "undo:all"]
  ) {
    it(`say so of the button ${JSON.stringify(customId)}`, async () => {
      const { press } = await commandAccount();
      assert.deepEqual(await press(customId), [DEAD]);
    });
  }
});

describe("[A1] [T10] the components of questions", () => {
  const question = {
    ...{ id: 1, code: "ABCDEFGH", state: "answered", createdAt: 0, expiresAt: 1 },
    question: { kind: "ask", text: "Which trip?", facts: [], choices: [], asked: "anyone" },
  } as unknown as Extract<DecidingOutcome, { kind: "decided" }>["question"];
  const deciding = async (outcome: DecidingOutcome) => {
    const bot = await commandAccount();
    const asked: unknown[] = [];
    Object.assign(bot.store.questions, {
      decide(deciding: unknown) {
        asked.push(deciding);
        return Promise.resolve(outcome);
      },
    });
    return { ...bot, asked };
  };

  it("[T13a] leave a form to the gateway's thread, and answer the form", async () => {
    const form = { title: "Which trip?", label: "Port" };
    const opening = await deciding({ kind: "form", form, question });
    assert.deepEqual(await opening.press("ask:1"), []);
    const { submit, asked } = await deciding({ kind: "decided", question });
    const message = { id: "1400000000000000077", content: "", author: ADA };
    assert.equal(
      await submit("ask:1", "Hamburg", { fields: { message } }),
      "Thanks, I have your answer.",
    );
    assert.equal((asked as { submitted: string }[])[0]?.submitted, "Hamburg");
    assert.match(await submit("ask:1", "Hamburg"), /is old/, "no component has opened this form");
    assert.equal(asked.length, 1);
  });

  it("take the choice of a menu, and say how a question has ended", async () => {
    const { choose, asked } = await deciding({ kind: "closed", question });
    const { text } = await choose("ask:1", "x");
    assert.match(text, /already decided, has expired/);
    assert.deepEqual((asked as { selected: string[] }[])[0]?.selected, ["x"]);
  });

  it("[X4a] tell once that a question is for another person", async () => {
    const { press, lines } = await deciding({ kind: "not_asked", question });
    const told = [...await press("ask:1"), ...await press("ask:1")];
    assert.deepEqual(told, ["This question is not for you."]);
    assert.equal(lines.filter(({ fields }) => fields.code === "ABCDEFGH").length, 1);
  });

  it("wake the turn, and all bots of the process", async () => {
    const { press, account, store } = await deciding({ kind: "closed", question });
    let claims = 0;
    const told: string[] = [];
    const { claimNext } = store.inbox;
    Object.assign(store.inbox, {
      claimNext(...of: Parameters<typeof claimNext>) {
        claims++;
        return claimNext(...of);
      },
    });
    const changedByCommand = (namespace: string) => void told.push(namespace);
    runBeside(account, toAccountId("b"), { changedByCommand });
    await press("ask:1", { as: GRACE });
    assert.deepEqual([claims > 0, told], [true, ["questions"]]);
  });
});
