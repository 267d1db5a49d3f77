import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTokenChange } from "../../../src/flows/preflight/token_change.ts";
import { isTokenRefused, RestError } from "../../../src/discord/rest/exchange/rest_error.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { testAccount } from "../../support/account.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { openTestStore } from "../../support/store/store.ts";

const BOT = { token: "MTIz.abc.def", apiBase: "https://discord.com/api" };

const isTransient = (error: unknown): error is Error =>
  error instanceof RestError && !isTokenRefused(error);

/** A store that is of another bot, and a Discord that answers from a list. */
async function setUp(...answers: readonly (RestError["kind"] | "known")[]) {
  const { store } = openTestStore();
  await store.gateway.adoptPeer(ACCOUNT, "another");
  const { log, lines } = recordingLog();
  const stopping = new AbortController();
  let asked = 0;
  const account = {
    ...testAccount({ log, schedule, stopping: stopping.signal }).account,
    store,
  };
  const askDiscord = () => {
    const kind = answers[asked++] ?? "known";
    return kind === "known"
      ? Promise.resolve()
      : Promise.reject(new RestError("no", { kind, route: "GET /" }));
  };
  const isOthers = () => store.gateway.isOtherPeer(ACCOUNT, "another").then((isOther) => !isOther);
  return {
    change: createTokenChange(account, { ...BOT, askDiscord, isTransient }),
    store,
    stopping,
    lines,
    isOthers,
    count: () => asked,
  };
}

describe("[D1] createTokenChange()", () => {
  it("accepts an empty store, and its own store under a regenerated token", async () => {
    const { store } = openTestStore();
    const account = { ...testAccount().account, store };
    const isOurs = (change: Partial<typeof BOT>) =>
      createTokenChange(account, {
        ...BOT,
        ...change,
        askDiscord: () => assert.fail("no request is needed"),
        isTransient,
      }).isOurs();
    assert.equal(await isOurs({}), true);
    assert.equal(await isOurs({ token: "MTIz.new.one" }), true);
    assert.equal(await isOurs({ token: "NDU2.abc.def" }), false);
    assert.equal(await isOurs({ apiBase: "http://[::1]" }), false);
  });

  it("deletes another bot's data once Discord has confirmed the new bot, however long that takes", async () => {
    const { change, lines, count, isOthers } = await setUp("unavailable", "known");
    assert.equal(await change.isOurs(), false);
    assert.equal(await isOthers(), true, "it has only looked");
    await change.takeOver();
    assert.equal(await isOthers(), false);
    assert.equal(await change.isOurs(), true);
    assert.equal(count(), 2);
    assert.match(lines.at(-1)?.event ?? "", /deleted the sessions/);
  });

  it("[O7] deletes nothing for a token that Discord refuses", async () => {
    const { change, isOthers, count, lines } = await setUp("unauthorized");
    await assert.rejects(change.takeOver(), { kind: "unauthorized" });
    assert.equal(await isOthers(), true);
    assert.equal(count(), 1);
    assert.deepEqual(lines, [], "nothing is known about another bot");
  });

  it("[G12] stops waiting when the process stops", async () => {
    const { change, isOthers, stopping } = await setUp("unavailable");
    const taking = change.takeOver();
    setTimeout(() => stopping.abort(), 20);
    await assert.rejects(taking, { name: "AbortError" });
    assert.equal(await isOthers(), true);
  });

  it("[O2] logs once that Discord gives no answer, and once that it answers again", async () => {
    const { change, lines } = await setUp("unsent", "unsent", "known");
    await change.takeOver();
    const away = lines.filter(({ event }) => event.startsWith("Cannot ask Discord"));
    const back = lines.filter(({ event }) => event.startsWith("Discord answers again"));
    assert.deepEqual([away.length, back.length], [1, 1]);
    assert.deepEqual(away[0]?.fields, { reason: "GET / no" });
  });
});
