import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { examineGuilds } from "../../../src/bot/preflight/examine_guilds.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { userId } from "../../support/discord/builders.ts";

const VIEW = 1n << 10n;
const SEND = 1n << 11n;
const SEND_IN_THREADS = 1n << 38n;
const REST = (1n << 16n) | (1n << 15n) | (1n << 6n); // history, files, reactions

/** A guild whose one role grants `granted`, with a text channel and a forum. */
function fakeApi(granted: bigint, guilds = 1) {
  const asked: string[] = [];
  const api: Pick<RestApi, "request"> = {
    request(_method, path) {
      asked.push(path);
      if (path.startsWith("/users/@me/guilds")) {
        return Promise.resolve(
          Array.from({ length: guilds }, (_, at) => ({ id: `${at + 100}`, name: `g${at}` })),
        );
      }
      const id = path.split("/")[2] ?? "";
      if (path.endsWith("/channels")) {
        return Promise.resolve([
          { id: "1", type: 0, name: "general" },
          { id: "2", type: 15, name: "ideas" },
          { id: "3", type: 4, name: "category" },
        ]);
      }
      if (path.includes("/members/")) return Promise.resolve({ roles: [] });
      const roles = [{ id, permissions: `${granted}`, name: "@everyone" }];
      return Promise.resolve({ owner_id: "9", roles });
    },
  };
  const examine = () =>
    examineGuilds(
      api as RestApi,
      () => Promise.resolve(userId("7")),
      () => true,
      0,
      60_000,
    );
  return { asked, examine };
}

describe("[O3] examineGuilds()", () => {
  it("needs the right to send in threads in a forum, and the right to send elsewhere", async () => {
    for (
      const [granted, expected] of [
        [SEND, { general: [], ideas: ["Send Messages in Threads"] }],
        [SEND_IN_THREADS, { general: ["Send Messages"], ideas: [] }],
      ] as const
    ) {
      const found = await fakeApi(VIEW | REST | granted).examine();
      assert.ok(found.kind === "answered");
      const channels = found.found[0]?.details?.channels ?? [];
      const lacks = channels.map(({ name, missing: lacks }) => [
        name,
        lacks.map(({ permission }) => permission),
      ]);
      assert.deepEqual(Object.fromEntries(lacks), expected);
    }
  });

  it("reads at most 20 guilds in detail, and marks the others", async () => {
    const { asked, examine } = fakeApi(VIEW, 23);
    const found = await examine();
    assert.ok(found.kind === "answered");
    assert.equal(found.found.filter(({ details }) => details).length, 20);
    assert.equal(found.found.filter(({ isPassedOver }) => isPassedOver).length, 3);
    assert.equal(asked.length, 1 + 20 * 3);
  });
});
