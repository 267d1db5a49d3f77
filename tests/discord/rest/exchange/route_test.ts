import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { routeOf } from "../../../../src/discord/rest/exchange/exchange.ts";

describe("[D3] routeOf()", () => {
  const cases: readonly [method: string, path: string, template: string, keyPath: string][] = [
    ["POST", "/channels/77/messages", "/channels/:id/messages", "/channels/77/messages"],
    ["GET", "/channels/77/messages?limit=5", "/channels/:id/messages", "/channels/77/messages"],
    ["GET", "/channels/77/messages?", "/channels/:id/messages", "/channels/77/messages"],
    ["PATCH", "/channels/77/messages/9", "/channels/:id/messages/:id", "/channels/77/messages/:id"],
    ["POST", "/channels/77/typing", "/channels/:id/typing", "/channels/77/typing"],
    [
      "PUT",
      "/channels/77/messages/9/reactions/%F0%9F%91%8D/@me",
      "/channels/:id/messages/:id/reactions/:emoji/@me",
      "/channels/77/messages/:id/reactions/:emoji/@me",
    ],
    [
      "DELETE",
      "/channels/77/messages/9/reactions/123/456",
      "/channels/:id/messages/:id/reactions/:emoji/:id",
      "/channels/77/messages/:id/reactions/:emoji/:id",
    ],
    ["GET", "/guilds/5/members/6", "/guilds/:id/members/:id", "/guilds/5/members/:id"],
    ["GET", "/users/6", "/users/:id", "/users/:id"],
    ["GET", "/users/@me", "/users/@me", "/users/@me"],
    ["GET", "/gateway/bot", "/gateway/bot", "/gateway/bot"],
    ["GET", "/invites/aBc", "/invites/:code", "/invites/:code"],
    [
      "PATCH",
      "/webhooks/5/s3cret/messages/@original",
      "/webhooks/:id/:token/messages/@original",
      "/webhooks/5/s3cret/messages/@original",
    ],
    [
      "POST",
      "/interactions/5/s3cret/callback",
      "/interactions/:id/:token/callback",
      "/interactions/5/s3cret/callback",
    ],
  ];
  for (const [method, path, template, keyPath] of cases) {
    it(`folds ${method} ${path}`, () => {
      const route = routeOf(method, path);
      assert.equal(route.template, template);
      const verb = path.includes("/reactions/") ? "PUT|DELETE" : method;
      assert.equal(route.queueKey, `${verb} ${keyPath}`);
      assert.ok(keyPath.startsWith(`/${route.major}`));
      assert.equal(route.carriesToken, path.includes("s3cret"));
      assert.doesNotMatch(route.name, /s3cret|\d/);
    });
  }

  it("[D1] gives each channel a queue for creating messages, apart from reads", () => {
    const keys = [
      routeOf("POST", "/channels/77/messages"),
      routeOf("POST", "/channels/78/messages"),
      routeOf("GET", "/channels/77/messages"),
      routeOf("POST", "/channels/77/typing"),
    ].map(({ queueKey }) => queueKey);
    assert.equal(new Set(keys).size, keys.length);
  });

  it("[R7] gives adding and removing reactions one queue per channel", () => {
    const keys = [
      routeOf("PUT", "/channels/77/messages/9/reactions/x/@me"),
      routeOf("DELETE", "/channels/77/messages/8/reactions/y/@me"),
      routeOf("PUT", "/channels/78/messages/9/reactions/x/@me"),
      routeOf("GET", "/channels/77/messages/9/reactions/x/@me"),
    ].map(({ queueKey }) => queueKey);
    assert.equal(keys[0], keys[1]);
    assert.equal(new Set(keys).size, 3);
  });
});
