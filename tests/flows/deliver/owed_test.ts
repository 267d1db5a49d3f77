import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wakes } from "../../../src/account/per_account.ts";
import { queuesOf } from "../../../src/flows/deliver/deliver.ts";
import { setSchedule } from "../../../src/features/schedules/own.ts";
import { schedules } from "../../../src/features/schedules/runner.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { OWNER, SELF, testAccount } from "../../support/bot/test_account.ts";
import type { DiscordRequest } from "../../support/discord/answers.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { ADA, CHANNEL, GUILD, guildData } from "../../support/discord/payloads.ts";
import { frozen, part } from "../../support/store/store.ts";

const ADAS = "1400000000000000021";
const OWNERS = "1400000000000000022";
const CAUSE = messageId("1400000000000000077");
const SECRET = "four, and a word that is not allowed";

type Door = "place" | "Ada" | "owner";

/** Discord's refusals of a message, with the first door that they leave open. */
const REFUSALS: readonly (readonly [status: number, code: number | undefined, first: Door])[] = [
  [400, 20009, "place"], // explicit content
  [400, 200000, "place"], // AutoMod
  [400, 200001, "place"], // AutoMod, of a title
  [400, 240000, "place"], // a harmful link
  [400, 50035, "place"], // invalid form body
  [400, 50006, "place"], // empty message
  [400, 50008, "place"], // not a text channel
  [400, undefined, "place"],
  [404, 10003, "Ada"], // unknown channel
  [404, 10004, "Ada"], // unknown guild
  [400, 50083, "Ada"], // archived thread
  [400, 160005, "Ada"], // locked thread
  [403, 50001, "Ada"], // no access
  [403, 50013, "Ada"], // no permission
  [403, 50009, "Ada"], // verification level
  [403, 20026, "Ada"], // flagged as a spammer
  [403, 50278, "Ada"], // no common server
  [403, 50007, "Ada"], // takes no direct messages
  [403, undefined, "Ada"],
  [404, undefined, "Ada"],
];

/** What else Discord refuses. */
const CLOSED = {
  nothing: [],
  place: ["place"],
  "place and direct messages": ["place", "direct"],
  "place and direct channels": ["place", "open"],
} as const;

const KINDS = { 400: "rejected", 403: "forbidden", 404: "not_found" } as const;

function refusal(status: number, code: number | undefined): RestError {
  const kind = KINDS[status as keyof typeof KINDS];
  return new RestError("Discord refused it", { kind, route: "POST /", status, code });
}

/** The guild, of which Discord tells all but the bot's own permissions. */
function guildOf(path: string): unknown {
  const roles = [{ id: GUILD, name: "@everyone", permissions: "3072", position: 0 }];
  if (path.endsWith("/roles")) return roles;
  const [, member] = /\/members\/(\d+)$/.exec(path) ?? [];
  if (member === SELF.userId) throw new RestError("offline", { kind: "unsent", route: "GET /" });
  if (member !== undefined) return { user: { id: member }, roles: [] };
  if (path.endsWith("/channels")) {
    return [{ id: CHANNEL, type: 0, name: "ops", permission_overwrites: [] }];
  }
  return { id: GUILD, name: "Friends", owner_id: "1", roles };
}

/** An account at a Discord that refuses the answer to Ada. */
async function refusing(
  [status, code]: (typeof REFUSALS)[number],
  closed: readonly string[],
  given: object = {},
) {
  const said: { readonly to: Door; readonly text: string }[] = [];
  function answer({ method, path, body }: DiscordRequest): unknown {
    if (path === "/users/@me/channels") {
      const isOwner = body["recipient_id"] === OWNER;
      if (!isOwner && closed.includes("open")) throw refusal(403, 50007);
      return { id: isOwner ? OWNERS : ADAS };
    }
    if (path.startsWith(`/guilds/${GUILD}`)) return guildOf(path);
    const channel = /^\/channels\/(\d+)\/messages/.exec(path)?.[1];
    if (channel === undefined || method === "GET" || method === "DELETE") return undefined;
    const text = String(body["content"]);
    if (text === "…") return undefined;
    const to = channel === ADAS ? "Ada" : channel === OWNERS ? "owner" : "place";
    const isAnswer = to === "place" && text.includes(SECRET);
    if (isAnswer || (to === "place" && closed.includes("place"))) throw refusal(status, code);
    if (to === "Ada" && closed.includes("direct")) throw refusal(403, 50007);
    said.push({ to, text });
    return undefined;
  }
  const discord = { guilds: { [GUILD]: { requireMention: false } } };
  const scene = await testAccount({ discord, says: () => SECRET, ...given, answer });
  await scene.receive("GUILD_CREATE", guildData());
  return {
    ...scene,
    said,
    /** A person's reminder is due. */
    async remind(text: string, id: string = ADA.id) {
      const sender = { id: id as never, username: "ada", roles: [] };
      const asker = guildMessage({ id: CAUSE, channelId: CHANNEL, guildId: GUILD, sender });
      schedules.start(scene.account);
      const reminder = { when: "1h", text, agentId: "main", callKey: "c" };
      await setSchedule(scene.account, asker, reminder);
      await scene.pass(3_700_000, 60_000);
    },
    /** The process is killed, and the next one begins. */
    async restart() {
      await queuesOf(scene.account).stop();
      scene.account.live.length = 0;
      wakes(scene.account).channels = queuesOf(scene.account).wake;
      queuesOf(scene.account).wake();
      await scene.quiet();
    },
  };
}

describe("[D5] who waits for an answer that Discord does not take", () => {
  for (const refused of REFUSALS) {
    for (const [what, closed] of Object.entries(CLOSED)) {
      for (const how of ["post", "edit"] as const) {
        for (const dies of [false, true]) {
          const [status, code, first] = refused;
          const title = `${how} ${status} ${code ?? "–"}, closed: ${what}${dies ? ", killed" : ""}`;
          it(`reads it once › ${title}`, async () => {
            const { said, write, store, account, clock, quiet, pass, restart, rows } =
              await refusing(refused, closed);
            if (how === "edit") {
              const of = part(CAUSE, { kind: "draft" });
              const draft = {
                channelId: CHANNEL,
                guildId: GUILD,
                nonce: "draft",
                content: "…",
                of,
              };
              await store.outbox.add(frozen(draft), clock.now());
              queuesOf(account).wake();
              await quiet();
            }
            await write("two and two?", { id: CAUSE });
            await pass(0);
            const steps = dies ? 6 : 1;
            for (let step = 0; step < steps; step++) {
              if (dies) await restart();
              await pass(dies ? 2_600 : 60_000, 2_600);
            }
            await pass(60_000, 5_000);
            const open: readonly Door[] = closed.length === 0
              ? [first, "owner"]
              : closed.length === 1
              ? ["Ada"]
              : ["owner"];
            assert.deepEqual(said.filter(({ to }) => to !== "owner").map(({ to }) => to), [
              ...open.slice(0, 1).filter((to) => to !== "owner"),
            ]);
            const owner = said.filter(({ to }) => to === "owner");
            const isParked = rows("SELECT 1 FROM parked_channel WHERE channel_id = " + CHANNEL);
            const expected = isParked.length > 0 || open[0] === "owner" ? 1 : 0;
            assert.equal(owner.length, expected, JSON.stringify(said));
            for (const { text } of said) assert.ok(!text.includes(SECRET), text);
          });
        }
      }
    }
  }

  it("reads a word in the place of the draft", async () => {
    const { store, account, clock, quiet, write, pass, requests } = await refusing(
      [400, 200000, "place"],
      [],
    );
    const of = part(CAUSE, { kind: "draft" });
    const draft = { channelId: CHANNEL, guildId: GUILD, nonce: "draft", content: "…", of };
    await store.outbox.add(frozen(draft), clock.now());
    queuesOf(account).wake();
    await quiet();
    await write("two and two?", { id: CAUSE });
    await pass(10_000, 5_000);
    const words = requests.filter(({ body }) =>
      String(body["content"]).startsWith("Discord didn't")
    );
    assert.deepEqual(words.map(({ method }) => method), ["PATCH"]);
  });

  for (
    const [what, revision, words] of [["a mark under", 0, 0], ["a new text of", 1, 1]] as const
  ) {
    it(`[R15a] [H6a] reads ${words} words if ${what} an answer at Discord is lost`, async () => {
      const { said, store, account, clock, write, pass, rows } = await refusing(
        [400, 200000, "place"],
        [],
        { says: () => "four" },
      );
      await write("two and two?", { id: CAUSE });
      await pass(1_000);
      const nonce = String(rows("SELECT nonce FROM outbox")[0]?.["nonce"]);
      const of = part(CAUSE, { revision });
      const edit = { channelId: CHANNEL, guildId: GUILD, nonce: "edit", content: SECRET, of };
      await store.outbox.add({ ...frozen(edit), draft: { nonce, becomes: "this" } }, clock.now());
      queuesOf(account).wake();
      await pass(20_000, 5_000);
      assert.deepEqual(said.slice(1).map(({ to }) => to), Array(words).fill("place"));
      assert.equal(said[0]?.text, "four");
    });
  }

  it("is an owner, and reads the notice alone", async () => {
    const { said, write, pass } = await refusing([403, 50013, "Ada"], ["place"]);
    await write("two and two?", { id: CAUSE, author: { ...ADA, id: OWNER } });
    await pass(20_000, 5_000);
    assert.deepEqual(said.map(({ to, text }) => [to, /waiting/.test(text)]), [["owner", true]]);
  });

  it("is told by the owners' notice alone, if no person waits for it", async () => {
    const { said, store, account, clock, pass } = await refusing([400, 200000, "place"], []);
    const lost = { channelId: CHANNEL, guildId: GUILD, nonce: "sent", content: SECRET };
    await store.outbox.add(frozen(lost), clock.now());
    queuesOf(account).wake();
    await pass(10_000, 5_000);
    assert.deepEqual(said.map(({ to }) => to), ["owner"]);
  });
});

describe("[D4] [D5] who waits for an answer that a full queue has dropped", () => {
  it("reads so by direct message, once for each question", async () => {
    const said: string[] = [];
    const { write, pass, receive, rows } = await testAccount({
      discord: {
        guilds: { [GUILD]: { requireMention: false } },
        rateLimit: { strategy: "drop", maxQueueSize: 1 },
      },
      says: () => "four",
      answer({ method, path, body }) {
        if (path === "/users/@me/channels") return { id: ADAS };
        if (method !== "POST" || !path.endsWith("/messages")) return undefined;
        if (!path.startsWith(`/channels/${ADAS}/`)) return new Promise(() => {});
        return void said.push(String(body["content"]));
      },
    });
    await receive("GUILD_CREATE", guildData());
    for (let count = 0; count < 4; count++) await write(`two and two? ${count}`);
    await pass(20_000, 5_000);
    const dropped = rows("SELECT 1 FROM outbox WHERE state = 'dropped'");
    assert.ok(dropped.length > 0);
    assert.deepEqual(said, dropped.map(() => said[0]));
    assert.match(said[0] ?? "", /^I can't post my answer in <#/);
  });
});

describe("[T12] a reminder whose channel is gone", () => {
  it("comes by direct message, whole, and nowhere else", async () => {
    const long = Array.from({ length: 60 }, (_, index) => `item ${index}`).join("\n");
    const gone = REFUSALS.filter(([, , first]) => first === "Ada");
    const all = gone.map((refused) => [refused, "tea"] as const);
    for (
      const [refused, text] of [...all, ...all.slice(0, 1).map(([one]) => [one, long] as const)]
    ) {
      const { said, remind, rows } = await refusing(refused, ["place"]);
      await remind(text);
      const told = said.filter(({ to }) => to !== "owner");
      const words = told.map((one) => one.text).join("\n");
      assert.equal(words.replace(/^<@\d+> /, ""), `Reminder: ${text}`, String(refused));
      const left = rows(`SELECT DISTINCT state FROM outbox WHERE channel_id = ${CHANNEL}`);
      assert.deepEqual(left, [{ state: "dropped" }]);
    }
  });

  it("comes so to an owner, too, who has read that messages wait there", async () => {
    const { said, remind } = await refusing([403, 50013, "Ada"], ["place"]);
    await remind("tea", OWNER);
    assert.match(said.map(({ text }) => text).join(), /waiting.*,<@\d+> Reminder: tea$/);
  });

  it("is told to the owners, once, if the person takes no direct messages", async () => {
    for (const refused of REFUSALS.filter(([, , first]) => first === "Ada")) {
      const { said, remind, rows } = await refusing(refused, ["place", "direct"]);
      await remind("tea");
      const isParked = rows("SELECT 1 FROM parked_channel").length > 0;
      assert.deepEqual(
        said.map(({ to, text }) => [to, /gave up/.test(text)]),
        [...isParked ? [["owner", false]] : [], ["owner", true]],
        String(refused),
      );
    }
  });
});

describe("[D5] who has started a turn by a command", () => {
  for (
    const [what, ageMs, expected] of [
      ["reads the word by its token", 0, ["token"]],
      ["reads it in the place once the token has ended", 16 * 60_000, ["place"]],
    ] as const
  ) {
    it(what, async () => {
      const { said, write, account, pass, requests } = await refusing([400, 200000, "place"], []);
      const { accountId, store, now } = account;
      const command = {
        kind: "slash" as const,
        id: CAUSE as string,
        accountId,
        applicationId: "1" as never,
        token: "token",
        channelId: CHANNEL,
        place: { kind: "guild" } as never,
        sender: { id: ADA.id as never, username: "ada", roles: [] },
        name: "skill",
        options: {},
      };
      const batch = { accountId, judged: [], echoes: [], guilds: [], commands: [command] };
      await store.inbox.acceptBatch(batch, now() - ageMs);
      await write("two and two?", { id: CAUSE });
      await pass(20_000, 5_000);
      const byToken = requests.filter(({ path }) => path.startsWith("/webhooks/1/token"));
      const told = [...byToken.map(() => "token"), ...said.map(({ to }) => to)];
      assert.deepEqual(told, expected);
    });
  }
});

describe("[D5] a person who takes no direct messages", () => {
  it("is not asked again while the place refuses, and the owners learn of the end", async () => {
    const { said, write, account, pass, requests } = await refusing(
      [403, 50013, "Ada"],
      ["place", "open"],
    );
    await write("two and two?", { id: CAUSE });
    for (let minute = 0; minute < 20; minute++) {
      queuesOf(account).wake();
      await pass(60_000, 30_000);
    }
    const opened = requests.filter(({ path, body }) =>
      path === "/users/@me/channels" && body["recipient_id"] === ADA.id
    );
    assert.deepEqual([opened.length, said.map(({ to }) => to)], [1, ["owner"]]);
    await pass(25 * 3_600_000, 1_800_000);
    assert.deepEqual(said.map(({ to }) => to), ["owner", "owner"]);
    assert.match(said[1]?.text ?? "", /gave up/);
  });
});
