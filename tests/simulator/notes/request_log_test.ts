import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRequestLog, majorOf, routeOf } from "../../../simulator/notes/request_log.ts";

describe("[D3] routeOf() and majorOf()", () => {
  const cases: readonly [path: string, route: string, major: string][] = [
    ["/gateway/bot", "/gateway/bot", ""],
    ["/users/@me/channels", "/users/@me/channels", ""],
    ["/channels/12", "/channels/:id", "/channels/12"],
    ["/channels/12/messages", "/channels/:id/messages", "/channels/12"],
    ["/channels/12/messages/34", "/channels/:id/messages/:id", "/channels/12"],
    [
      "/channels/12/messages/34/reactions/%F0%9F%91%80/@me",
      "/channels/:id/messages/:id/reactions/:emoji/@me",
      "/channels/12",
    ],
    ["/guilds/1/members/2", "/guilds/:id/members/:id", "/guilds/1"],
    ["/webhooks/1/secret-token", "/webhooks/:id/:token", "/webhooks/1"],
  ];
  for (const [path, route, major] of cases) {
    it(path, () => {
      assert.equal(routeOf(path), route);
      assert.equal(majorOf(path), major);
    });
  }
});

describe("[D3] createRequestLog()", () => {
  const request = {
    at: 0,
    method: "GET",
    path: "/gateway",
    route: "/gateway",
    query: {},
    body: undefined,
    files: [],
    userAgent: "",
  };

  it("keeps the last requests, and goes on numbering", () => {
    const log = createRequestLog(3);
    for (let n = 0; n < 20; n += 1) log.add(request);
    assert.deepEqual(log.records().map(({ number }) => number), [18, 19, 20]);
  });

  it("calls its listeners until they stop", () => {
    const log = createRequestLog(3);
    const heard: number[] = [];
    const stop = log.subscribe(({ number }) => heard.push(number));
    log.add(request);
    stop();
    log.add(request);
    assert.deepEqual(heard, [1]);
  });
});
