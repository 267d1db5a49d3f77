import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Handler } from "hono";
import {
  createGuardedApp,
  DASHBOARD_ROUTES,
  type DashboardRoute,
} from "../../../src/features/dashboard/guarded_app.ts";
import type { RouteRule } from "../../../src/http/app.ts";
import { recordingLog } from "../../support/recording_log.ts";

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
  return { fetch: (request: Request) => app.fetch(request), routes: app.routes, reached };
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

/** `routes_test.ts` plays the attacks. */
describe("[SEC-R31] [SEC-R35] the routes of the dashboard", () => {
  for (const [name, route] of ROUTES) {
    it(`${name}: allows what the page sends`, async () => {
      const { fetch, reached } = guarded();
      const answer = await fetch(allowed(route));
      assert.equal(answer.status, 200);
      assertHeaders(answer);
      assert.deepEqual(reached, [name]);
    });
  }

  for (const [what, host, origin, status] of PROXIED) {
    it(`compare Host and Origin as URLs: ${what}`, async () => {
      const request = allowed(DASHBOARD_ROUTES.login, { host, origin });
      assert.equal((await guarded().fetch(request)).status, status);
    });
  }

  it("are all in the table", () => {
    const rows = ROUTES.map(([, { method, path }]) => `${method} ${path}`);
    const served = guarded().routes.map(({ method, path }) => `${method} ${path}`)
      .filter((one) => !one.startsWith("ALL "));
    assert.deepEqual([...new Set(served)].toSorted(), rows.toSorted());
  });

  const refusals: readonly (readonly [what: string, status: number, headers: object])[] = [
    ["a request of the same site, but another origin", 403, { "sec-fetch-site": "same-site" }],
    ["a body above the limit of its row", 413, { body: `"${"x".repeat(1_024)}"` }],
  ];
  for (const [what, status, headers] of refusals) {
    it(`refuse ${what}, with the same headers`, async () => {
      const { fetch, reached } = guarded();
      const answer = await fetch(allowed(DASHBOARD_ROUTES.login, { ...headers }));
      assert.deepEqual([answer.status, reached], [status, []]);
      assertHeaders(answer);
    });
  }
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
