import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RestError, type RestErrorKind } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import {
  createSend,
  failureOf,
  type RequestMetric,
} from "../../../../src/discord/rest/client/send.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import { TOKEN } from "../stub_discord.ts";
import { sameData } from "../../../support/same_data.ts";

const ROUTE = routeOf("GET", "/gateway/bot");

function sendTo(answer: () => Promise<Response>, metrics: RequestMetric[] = []) {
  const asked: (readonly [url: string, init: RequestInit])[] = [];
  const send = createSend(
    {
      token: TOKEN,
      apiUrl: "http://discord.test/api",
      timeoutMs: 1_000,
      steadyNow: () => 0,
      schedule,
      onRequest: (metric) => metrics.push(metric),
      fetch(url, init) {
        asked.push([url, init]);
        return answer();
      },
    },
    "DiscordBot (x, 1)",
    new AbortController().signal,
  );
  const sending = {
    route: ROUTE,
    method: "GET",
    path: "/gateway/bot",
    body: {},
    waitMs: 7,
  } as const;
  return { asked, send: () => send(sending) };
}

describe("[D6] createSend()", () => {
  it("sends the token and the User-Agent to Discord's address, and reads the response", async () => {
    const { asked, send } = sendTo(() => Promise.resolve(new Response('{"url":"x"}')));
    assert.deepEqual((await send()).body, { url: "x" });
    const [[url, { headers, method }] = ["", {}]] = asked;
    assert.equal(url, "http://discord.test/api/v10/gateway/bot");
    assert.deepEqual([method, headers], ["GET", {
      "authorization": `Bot ${TOKEN}`,
      "user-agent": "DiscordBot (x, 1)",
    }]);
  });

  it("[O1] also counts a request without a response", async () => {
    const metrics: RequestMetric[] = [];
    const { send } = sendTo(() => Promise.reject(new TypeError("no")), metrics);
    await assert.rejects(send(), RestError);
    sameData(metrics, [{ route: "/gateway/bot", method: "GET", ms: 0, waitMs: 7 }]);
  });
});

describe("[D5] failureOf()", () => {
  const rows: readonly [status: number, text: string, kind: RestErrorKind | undefined][] = [
    [200, "{}", undefined],
    [204, "", undefined],
    [200, "<html>", "unavailable"],
    [302, "", "unavailable"],
    [403, '{"code":50013,"message":"No"}', "forbidden"],
    [403, "<html>", "rate_limited"],
    [502, "<html>", "unavailable"],
  ];
  for (const [status, text, kind] of rows) {
    it(`returns ${kind ?? "nothing"} for ${status} ${text}`, async () => {
      const init = status === 204 ? undefined : text;
      const { send } = sendTo(() => Promise.resolve(new Response(init ?? null, { status })));
      assert.equal(failureOf(ROUTE, await send())?.kind, kind);
    });
  }
});
