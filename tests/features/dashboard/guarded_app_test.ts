import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Handler } from "hono";
import {
  createGuardedApp,
  DASHBOARD_ROUTES,
  type DashboardRoute,
} from "../../../src/features/dashboard/guarded_app.ts";
import { startHttpServer } from "../../../src/host/http_server.ts";
import { HEALTH_ROUTES, type RouteRule } from "../../../src/http/app.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { talk } from "../../support/network/raw_client.ts";

const ROUTES = Object.entries(DASHBOARD_ROUTES) as readonly [DashboardRoute, RouteRule][];

/** An application whose handlers only note that they were reached, and read the body. */
function guarded() {
  const reached: string[] = [];
  const handlers = Object.fromEntries(
    ROUTES.map(([name]): [string, Handler] => [name, async (c) => {
      const body = await c.req.text();
      reached.push(name);
      return c.text(body);
    }]),
  ) as Record<DashboardRoute, Handler>;
  const app = createGuardedApp({
    isSession: (token) => token === "right",
    handlers,
    log: recordingLog().log,
    publicUrl: "https://barnacle.home.arpa:8443/bot",
  });
  const fetch = (request: Request) => app.fetch(request);
  return { app: { fetch, routes: app.routes }, reached };
}

const BASE = "http://127.0.0.1:8787";

function allowed({ method, path, auth }: RouteRule, headers: Record<string, string> = {}): Request {
  const given: Record<string, string | undefined> = {
    host: "127.0.0.1:8787",
    origin: method === "POST" ? BASE : undefined,
    "content-type": method === "POST" ? "application/json" : undefined,
    authorization: auth === "session" ? "Bearer right" : undefined,
    ...headers,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined && value !== "");
  return new Request(BASE + path.replace(/:\w+/, "x"), {
    method,
    headers: set as [string, string][],
    ...(method === "POST" && { body: headers["body"] ?? "{}" }),
  });
}

/** What browser and proxy send, with `http.publicUrl`: [Host, Origin, status]. */
const PROXIED: readonly (readonly [string, string, string, number])[] = [
  ["nginx's default Host", "127.0.0.1:8787", "https://barnacle.home.arpa:8443", 200],
  ["a Host without its port", "barnacle.home.arpa", "https://barnacle.home.arpa:8443", 200],
  ["the whole Host", "barnacle.home.arpa:8443", "https://barnacle.home.arpa:8443", 200],
  ["a default port", "barnacle.home.arpa:443", "https://barnacle.home.arpa", 200],
  ["a Host in capitals", "Barnacle.Home.Arpa", "http://barnacle.home.arpa", 200],
  ["another port", "barnacle.home.arpa:8443", "https://barnacle.home.arpa", 403],
  ["another scheme", "127.0.0.1:8787", "http://barnacle.home.arpa:8443", 403],
  ["another name", "barnacle.home.arpa", "https://evil.barnacle.home.arpa", 403],
  ["a page without an origin", "barnacle.home.arpa", "null", 403],
  ["a broken Host", "barnacle.home.arpa/", "https://barnacle.home.arpa:8443", 403],
];

type Attack = (route: RouteRule) => readonly [number, Record<string, string>] | undefined;

/** An attack on a route with a body, and on one that needs a token. */
const posted = (attack: ReturnType<Attack>): Attack => ({ method }) =>
  method === "POST" ? attack : undefined;
const known = (attack: ReturnType<Attack>): Attack => ({ auth }) =>
  auth === "session" ? attack : undefined;

/** What an attacker changes; `undefined`: the attack does not fit the route. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  "a name that points here": () => [403, { host: "evil.example" }],
  "no host": () => [403, { host: "" }],
  "a page of another site": () => [403, { origin: "https://evil.example" }],
  "a page without origin": () => [403, { origin: "null" }],
  "a request of another site": () => [403, { "sec-fetch-site": "cross-site" }],
  "a page of another program here": posted([403, { origin: "http://127.0.0.1:9999" }]),
  "a request of the same site": posted([403, { "sec-fetch-site": "same-site" }]),
  "a form": posted([403, { "content-type": "application/x-www-form-urlencoded" }]),
  "a form of text": posted([403, { "content-type": "text/plain" }]),
  "no token": known([401, { authorization: "" }]),
  "a wrong or an old token": known([401, { authorization: "Bearer old" }]),
  "a token as basic": known([401, { authorization: "Basic cmlnaHQ=" }]),
  "a token as cookie": known([401, { authorization: "", cookie: "token=right" }]),
  "a body that is too long": ({ method, maxBodyBytes }) =>
    method === "POST" ? [413, { body: `"${"x".repeat(maxBodyBytes)}"` }] : undefined,
};

describe("[SEC-R31] [SEC-R35] the routes of the dashboard", () => {
  for (const [name, route] of ROUTES) {
    it(`${name}: allows what the page sends`, async () => {
      const { app, reached } = guarded();
      assert.equal((await app.fetch(allowed(route))).status, 200);
      assert.deepEqual(reached, [name]);
    });

    for (const [attack, change] of Object.entries(ATTACKS)) {
      const expected = change(route);
      if (!expected) continue;
      it(`${name}: refuses ${attack}`, async () => {
        const { app, reached } = guarded();
        const answer = await app.fetch(allowed(route, expected[1]));
        assert.equal(answer.status, expected[0], await answer.text());
        assert.deepEqual(reached, []);
        assertHeaders(answer);
      });
    }

    it(`${name}: refuses other methods`, async () => {
      const { app, reached } = guarded();
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        if (method === route.method) continue;
        const { url, headers } = allowed(route);
        const answer = await app.fetch(new Request(url, { method, headers }));
        assert.equal(answer.status, 405, `${method}: ${await answer.text()}`);
        assertHeaders(answer);
      }
      assert.deepEqual(reached, []);
    });
  }

  for (const [what, host, origin, status] of PROXIED) {
    it(`compare Host and Origin as URLs: ${what}`, async () => {
      const request = allowed(DASHBOARD_ROUTES.login, { host, origin });
      assert.equal((await guarded().app.fetch(request)).status, status);
    });
  }

  it("are all in the table", () => {
    const rows = ROUTES.map(([, { method, path }]) => `${method} ${path}`);
    const served = guarded().app.routes.map(({ method, path }) => `${method} ${path}`)
      .filter((one) => !one.startsWith("ALL "));
    assert.deepEqual([...new Set(served)].toSorted(), rows.toSorted());
  });

  it("and those of health only read", () => {
    for (const { method, maxBodyBytes } of HEALTH_ROUTES) {
      assert.deepEqual([method, maxBodyBytes], ["GET", 0]);
    }
  });

  it("take no slow body, no body of unknown size and none above 64 KiB", async () => {
    const { app, reached } = guarded();
    const bounds = { headersMs: 500, requestMs: 500, keepAliveMs: 500, closeMs: 200 };
    const server = await startHttpServer({ port: 0, bounds }, (request) => app.fetch(request));
    try {
      for (const [name, { method, path }] of ROUTES) {
        const head = `${method} ${path.replace(/:\w+/, "x")} HTTP/1.1\r\n` +
          `Host: 127.0.0.1:${server.port}\r\nContent-Type: application/json\r\n` +
          "Authorization: Bearer right\r\n";
        const bodies = [
          "Content-Length: 70000\r\n\r\n{",
          "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
          "Content-Length: 100\r\n\r\n{",
        ];
        for (const body of bodies) {
          const heard = await talk(server.port, head + body);
          if (method === "POST") assert.doesNotMatch(heard, / 200 /, name);
        }
      }
    } finally {
      await server.close();
    }
    const changing = ROUTES.filter(([, { method }]) => method === "POST").map(([name]) => name);
    assert.deepEqual(reached.filter((name) => changing.includes(name as DashboardRoute)), []);
  });
});

function assertHeaders({ headers }: Response): void {
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; /);
  assert.doesNotMatch(policy, /unsafe|http|\*/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("set-cookie"), null);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("referrer-policy"), "no-referrer");
}
