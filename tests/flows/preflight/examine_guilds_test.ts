import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { examineGuilds } from "../../../src/flows/preflight/examine.ts";
import { lacksRequired } from "../../../src/flows/preflight/permissions.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { channelId } from "../../support/discord/builders.ts";

const VIEW = 1n << 10n;
const SEND = 1n << 11n;
const SEND_IN_THREADS = 1n << 38n;
const CONNECT = 1n << 20n;
const REST = (1n << 16n) | (1n << 15n) | (1n << 6n); // history, files, reactions

/** A guild whose one role grants `granted`, with a text channel and a forum. */
function fakeApi(
  granted: bigint,
  guilds = 1,
  listed: readonly string[] = [],
  inGuild?: string,
  further: readonly object[] = [],
) {
  const asked: string[] = [];
  const api: Pick<RestApi, "request"> = {
    request(_method, path) {
      asked.push(path);
      if (path === "/users/@me") return Promise.resolve({ id: "7" });
      if (path.startsWith("/users/@me/guilds")) {
        return Promise.resolve(
          Array.from(
            { length: guilds },
            (_, at) => ({ id: `${at + 100}`, name: `g${at}`, permissions: inGuild }),
          ),
        );
      }
      const id = path.split("/")[2] ?? "";
      if (path.endsWith("/channels")) {
        return Promise.resolve([
          { id: "1", type: 0, name: "general" },
          { id: "2", type: 15, name: "ideas" },
          { id: "3", type: 4, name: "category" },
          { id: "4", type: 2, name: "voice" },
          ...further,
        ]);
      }
      if (path === "/channels/50") return Promise.reject(refusal(403, 50001));
      if (path === "/channels/51") return Promise.reject(refusal(404, 10003));
      if (path === "/channels/52") return Promise.reject(refusal(403)); // of a proxy
      if (path === "/channels/53") return Promise.resolve({ type: 11, guild_id: "100" });
      if (path.includes("/members/")) return Promise.resolve({ roles: [] });
      const roles = [{ id, permissions: `${granted}`, name: "@everyone" }];
      return Promise.resolve({ owner_id: "9", roles });
    },
  };
  const examine = () =>
    examineGuilds(
      api as RestApi,
      () => [
        { id: channelId("1"), name: "general" },
        ...listed.map((id) => ({ id: channelId(id), name: `c${id}` })),
      ],
      0,
    );
  return { asked, examine };
}

function refusal(status: 403 | 404, code?: number): RestError {
  const kind = status === 403 ? "forbidden" : "not_found";
  return new RestError("failed", { kind, route: "GET /channels/:id", status, code });
}

describe("[O3] examineGuilds()", () => {
  it("names each lack once: in forums of threads, in voice channels of Connect", async () => {
    const threads = ["Send Messages in Threads"];
    const send = ["Send Messages"];
    const connect = ["Connect"];
    for (
      const [granted, expected, usable] of [
        [SEND, { general: [], ideas: threads, voice: connect }, 1],
        [SEND | CONNECT, { general: [], ideas: threads, voice: [] }, 2],
        [SEND_IN_THREADS | CONNECT, { general: send, ideas: [], voice: send }, 1],
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
      for (const { missing, furtherMissing = [] } of channels) {
        const all = [...missing, ...furtherMissing].map(({ permission }) => permission);
        assert.deepEqual([...new Set(all)], all);
      }
      assert.equal(channels.filter(({ missing }) => !lacksRequired(missing)).length, usable);
      for (const { granted = [], missing } of channels) {
        assert.equal(granted.includes("Send Messages"), !lacksRequired(missing));
      }
    }
  });

  it("asks for listed channels that Discord does not list: hidden, gone, or neither", async () => {
    const { examine } = fakeApi(VIEW | REST, 1, ["50", "51", "52", "53"]);
    const found = await examine();
    assert.ok(found.kind === "answered");
    const { channels = [], gone } = found.found[0]?.details ?? {};
    assert.deepEqual(channels.slice(3), [{
      id: "50",
      name: "c50",
      missing: [{ permission: "View Channel", deniedBy: "the channel's settings" }],
    }]);
    assert.deepEqual(gone, ["c51"]);
  });

  it("reads at most 20 guilds in detail, and marks the others", async () => {
    const { asked, examine } = fakeApi(VIEW, 23);
    const found = await examine();
    assert.ok(found.kind === "answered");
    assert.equal(found.found.filter(({ details }) => details).length, 20);
    assert.equal(found.found.filter(({ isPassedOver }) => isPassedOver).length, 3);
    assert.equal(asked.length, 2 + 20 * 3);
  });
});
