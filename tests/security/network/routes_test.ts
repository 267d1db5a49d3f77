/**
 * Plays each attack of SEC-R31 and SEC-R35 against each route of each server, over real sockets. A route
 * without its row fails the test, and so does a row without a route.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { PAGE_ROUTES } from "../../../simulator/page/routes.ts";
import { DASHBOARD_ROUTES } from "../../../src/features/dashboard/guarded_app.ts";
import { CALLBACK_ROUTE } from "../../../src/host/sign_in_callback.ts";
import { HOOK_ROUTES } from "../../../src/features/hooks/receiver.ts";
import { HEALTH_ROUTES, type RouteRule } from "../../../src/http/app.ts";
import { talk } from "../../support/network/raw_client.ts";
import {
  type PageScene,
  type RouteServer,
  type ServerName,
  START,
} from "../../support/network/route_servers.ts";

const TABLES: Readonly<Record<ServerName, readonly RouteRule[]>> = {
  health: HEALTH_ROUTES,
  dashboard: Object.values(DASHBOARD_ROUTES),
  hooks: HOOK_ROUTES,
  callback: [CALLBACK_ROUTE],
  demo: PAGE_ROUTES,
};

/** Files that open a server or hand one over. Each server of HTTP has its table above. */
const SERVERS = [
  "cli/run/run.ts", // health and dashboard
  "features/demo/page_server.ts", // demo
  "features/hooks/host.ts", // hooks
  "host/bot_socket.ts", // of commands, no HTTP
  "host/bounded_server.ts",
  "host/http_server.ts",
  "host/sign_in_callback.ts", // callback
];

/** A request that its route takes. */
interface Row {
  readonly address: string | ((server: RouteServer) => string);
  readonly status: number;
  /** Of a POST. */
  readonly body?: (server: RouteServer) => string;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

const get = (address: string): Row => ({ address, status: 200 });
const post = (address: string, status: number, body: object = {}): Row => ({
  address,
  status,
  body: () => JSON.stringify(body),
});

/** A person's act on the demo's page. */
const act = (
  name: string,
  status: number,
  body: (scene: PageScene) => object,
): readonly [string, Row] => [`POST /${name}`, {
  address: `/${name}`,
  status,
  body: ({ scene }) => JSON.stringify(scene && body(scene)),
}];

/** The demo's page: its files, then data and acts. */
const DEMO_ROWS: Readonly<Record<string, Row>> = Object.fromEntries([
  ...["", "page.css", "icon.svg", "composer.js", "dom.js", "main.js", "markdown.js"]
    .map((name) => [`GET /${name}`, get(`/${name}`)] as const),
  ...["messages.js", "sidebar.js", "state.js", "times.js", "tour.js"]
    .map((name) => [`GET /${name}`, get(`/${name}`)] as const),
  ["GET /events", get("/events")],
  ["GET /files/:channel/:file/:name", { address: ({ scene }) => `${scene?.file}`, status: 200 }],
  act("say", 204, ({ as, channel }) => ({ as, channel, text: "hello" })),
  act("click", 400, ({ as, channel, message }) => ({ as, channel, message, button: "none" })),
  act(
    "choose",
    400,
    ({ as, channel, message }) => ({ as, channel, message, menu: "none", labels: [] }),
  ),
  act("call", 400, ({ as, channel }) => ({ as, channel })),
  act("speak", 400, ({ as, channel }) => ({ as, channel, text: "hello" })),
  act("hang-up", 400, ({ as, channel }) => ({ as, channel })),
  act("kill", 204, () => ({})),
]);

const ROWS: Readonly<Record<ServerName, Readonly<Record<string, Row>>>> = {
  health: {
    "GET /livez": get("/livez"),
    "GET /readyz": get("/readyz"),
    "GET /healthz": get("/healthz"),
    "GET /metrics": get("/metrics"),
    "GET /status": get("/status"),
  },
  dashboard: {
    "GET /dashboard": { address: "/dashboard", status: 302 },
    "GET /dashboard/assets/:name": get("/dashboard/assets/icon.svg"),
    "POST /dashboard/login": {
      address: "/dashboard/login",
      status: 200,
      body: ({ createLink }) => JSON.stringify({ token: createLink() }),
    },
    "POST /dashboard/logout": post("/dashboard/logout", 204),
    "GET /dashboard/pages/:page": get("/dashboard/pages/spend"),
    "POST /dashboard/changes/:change": post("/dashboard/changes/pairing.deny", 422, { code: "" }),
    "GET /dashboard/:page": get("/dashboard/spend"),
  },
  hooks: { "POST /hooks/:name": post("/hooks/one", 202) },
  callback: {
    "GET /callback": { address: ({ secret }) => `/callback?state=${secret}&code=c`, status: 200 },
  },
  demo: DEMO_ROWS,
};

/** The parts of a request that an attacker chooses. */
interface Sent {
  readonly method: string;
  readonly address: string;
  /** `undefined`: the header is not sent. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** An attack on a request that its route would take. */
interface Attack {
  /** Changes the request; `undefined`: the attack does not fit the route. */
  readonly change: (sent: Sent, route: RouteRule) => Partial<Sent> | undefined;
  /** The statuses that refuse it; `"cut"`: the connection ends without an answer. */
  readonly refused: readonly (number | "cut")[];
  /** Servers that it does not concern, with the reason. */
  readonly except?: Partial<Record<ServerName, string>>;
}

const withHeaders = (more: Sent["headers"]): Attack["change"] => ({ headers }) => ({
  headers: { ...headers, ...more },
});

const isPost = ({ method }: RouteRule) => method === "POST";

/** The state of a sign-in is a parameter of the address; the needs of other routes are a header. */
const hasToken = ({ auth }: RouteRule) => auth !== "none" && auth !== "state";

/** A change of the token, for routes that need one. */
const withAuth = (change: (sent: Sent) => Partial<Sent>): Attack["change"] => (sent, route) =>
  hasToken(route) ? change(sent) : undefined;

/** A change of the secret in the address, for routes that need one. */
const withParameter =
  (change: (given: string) => string): Attack["change"] => ({ address }, { auth }) =>
    auth === "state" ? { address: address.replace(/state=[^&]*/, change) } : undefined;

const evil = "http://evil.example";

const ATTACKS: Readonly<Record<string, Attack>> = {
  "a page under a name that points here": {
    change: withHeaders({ host: "evil.example", origin: evil, "sec-fetch-site": "same-origin" }),
    refused: [403],
  },
  "a name that points here": {
    change: withHeaders({ host: "evil.example" }),
    refused: [403],
    except: { hooks: "no page has the secret, and a page names its origin" },
  },
  "no name": {
    change: withHeaders({ host: "" }),
    refused: [400, 403, "cut"],
    except: { hooks: "as above" },
  },
  "a page of another site": { change: withHeaders({ origin: evil }), refused: [403] },
  "a part of a page of another site": {
    change: withHeaders({
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "no-cors",
      "sec-fetch-dest": "image",
    }),
    refused: [403],
  },
  "a page without origin": { change: withHeaders({ origin: "null" }), refused: [403] },
  "a request of another site": {
    change: withHeaders({ "sec-fetch-site": "cross-site" }),
    refused: [403],
    except: { callback: "the browser comes back from the site of the sign-in" },
  },
  "a page of another program here": {
    change: (sent, route) =>
      isPost(route) ? withHeaders({ origin: "http://127.0.0.1:9" })(sent, route) : undefined,
    refused: [403],
  },
  "no token": {
    change: withAuth(({ headers }) => ({ headers: { ...headers, authorization: undefined } })),
    refused: [401],
  },
  "a wrong token": {
    change: withAuth(({ headers }) => ({
      headers: { ...headers, authorization: `${headers["authorization"]}x` },
    })),
    refused: [401],
  },
  "a token as password": {
    change: withAuth(({ headers }) => ({
      headers: { ...headers, authorization: headers["authorization"]?.replace("Bearer", "Basic") },
    })),
    refused: [401],
  },
  "a token in a cookie and in the address": {
    change: withAuth(({ address, headers }) => {
      const token = headers["authorization"]?.replace("Bearer ", "token=");
      return {
        address: `${address}${address.includes("?") ? "&" : "?"}${token}`,
        headers: { ...headers, authorization: undefined, cookie: token },
      };
    }),
    refused: [401],
  },
  "no secret in the address": { change: withParameter(() => ""), refused: [400, 403] },
  "a wrong secret in the address": {
    change: withParameter((given) => `${given}x`),
    refused: [400, 403],
  },
  "a secret in a cookie": {
    change: (sent, route) => {
      if (route.auth !== "state") return undefined;
      const cookie = new URL(sent.address, "http://x").search.slice(1);
      return { ...withParameter(() => "")(sent, route), headers: { ...sent.headers, cookie } };
    },
    refused: [400, 403],
  },
  "a form": {
    change: (sent, route) =>
      isPost(route)
        ? withHeaders({ "content-type": "application/x-www-form-urlencoded" })(sent, route)
        : undefined,
    refused: [403, 415],
    except: { hooks: "some programs send forms, and all of them the secret" },
  },
  "a body above the limit": {
    change: ({ headers }, { maxBodyBytes }) => ({
      headers: { ...headers, "content-length": `${Math.max(maxBodyBytes, 1_048_576) + 1}` },
      body: "{",
    }),
    refused: [413, "cut"],
  },
  "a body of unknown size": {
    change: ({ headers }) => ({
      headers: { ...headers, "content-length": undefined, "transfer-encoding": "chunked" },
      body: "1\r\n{\r\n",
    }),
    refused: [411, "cut"],
  },
  "a body that does not come": {
    change: ({ headers }, route) =>
      isPost(route) && route.path !== "/dashboard/logout" // which needs no body
        ? { headers: { ...headers, "content-length": "100" }, body: "{" }
        : undefined,
    refused: [400, "cut"],
  },
  "two lengths": {
    change: withHeaders({ "content-length": "2", "transfer-encoding": "chunked" }),
    refused: [400, "cut"],
  },
  "headers above 8 KiB": { change: withHeaders({ "x-long": "x".repeat(9_000) }), refused: [431] },
  "a line break in a header": {
    change: withHeaders({ "x-a": "b\nTransfer-Encoding: chunked" }),
    refused: [400, 411, "cut"],
  },
};

/** A GET reads no body: its handler may answer before the body counts. */
const READS_NO_BODY: ReadonlySet<string> = new Set([
  "a body above the limit",
  "a body of unknown size",
]);

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"];

/** Parts of a request line that mean no address of a server, or not this one. */
const STRANGE_ADDRESSES = ["*", "//", "/%", "/%00", "/\u00ff", "http://[", "/..%2f..", "/a b", ""];

function rightRequest(route: RouteRule, row: Row, server: RouteServer): Sent {
  const body = row.body?.(server) ?? "";
  return {
    method: route.method,
    address: typeof row.address === "string" ? row.address : row.address(server),
    headers: {
      host: `127.0.0.1:${server.port}`,
      connection: "close",
      ...(hasToken(route) && { authorization: `Bearer ${server.secret}` }),
      ...(body !== "" && {
        "content-type": "application/json",
        "content-length": `${Buffer.byteLength(body)}`,
      }),
      ...row.headers,
    },
    body,
  };
}

function rawText({ method, address, headers, body }: Sent): string {
  const lines = Object.entries(headers)
    .flatMap(([name, value]) => value === undefined ? [] : [`${name}: ${value}`]);
  return [`${method} ${address} HTTP/1.1`, ...lines, "", body].join("\r\n");
}

/** The status of an answer that need not end. */
function statusOfFirstLine(port: number, text: string): Promise<number | "cut"> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let heard = "";
    socket.on("data", (data) => {
      heard += data;
      if (!heard.includes("\r\n\r\n")) return;
      resolve(statusOf(heard));
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(statusOf(heard)));
    socket.write(text);
  });
}

function statusOf(heard: string): number | "cut" {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(heard)?.[1];
  return status === undefined ? "cut" : Number(status);
}

/** An answer has a line for a person, and nothing of the program. */
function assertWords(heard: string, about: string): void {
  const [head = "", body = ""] = heard.split(/\r\n\r\n/, 2);
  assert.doesNotMatch(heard, /\n\s+at .*:\d+|node_modules|\.tsx?:\d/, about);
  assert.doesNotMatch(head, /access-control-allow|set-cookie|x-powered-by/i, about);
  assert.ok(!/^HTTP\/1\.1 4(?!00)/.test(heard) || /\w{3}/.test(body), `no words: ${about}`);
}

it("[SEC-R31] the servers › are those of the tables: no other file opens one", () => {
  const root = join(import.meta.dirname ?? "", "../../../src");
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .filter((path) =>
      /\b(?:startHttpServer|createBoundedServer|createServer)\b/
        .test(readFileSync(join(root, path), "utf8"))
    );
  assert.deepEqual(found.map((path) => path.replaceAll("\\", "/")).toSorted(), SERVERS);
});

for (const [name, routes] of Object.entries(TABLES)) {
  const server = name as ServerName;
  describe(`[SEC-R31] [SEC-R35] the routes of ${server}`, () => {
    it("have a row each", () => {
      const keys = routes.map(({ method, path }) => `${method} ${path}`);
      assert.deepEqual(Object.keys(ROWS[server]).toSorted(), keys.toSorted());
    });

    for (const route of routes) {
      const key = `${route.method} ${route.path}`;
      const row = ROWS[server][key];
      if (!row) continue; // the test above fails

      it(`${key}: takes its request, and no attack`, () =>
        START[server](async (running) => {
          const right = () => rightRequest(route, row, running);
          for (const [attack, { change, refused, except }] of Object.entries(ATTACKS)) {
            const sent = right();
            const changed = except?.[server] === undefined ? change(sent, route) : undefined;
            if (!changed) continue;
            const heard = await talk(running.port, rawText({ ...sent, ...changed }));
            const status = statusOf(heard);
            const about = `${attack}: ${heard.slice(0, 300) || "cut"}`;
            const isRead = !isPost(route) && READS_NO_BODY.has(attack);
            assert.ok(refused.includes(status) || isRead && status === row.status, about);
            assertWords(heard, about);
          }
          assert.deepEqual(running.done(), [], "an attack has done something");
          assert.deepEqual(running.faults(), []);
          assert.equal(await statusOfFirstLine(running.port, rawText(right())), row.status);
        }));

      it(`${key}: takes no other method`, () =>
        START[server](async (running) => {
          for (const method of METHODS.filter((one) => one !== route.method)) {
            const sent = { ...rightRequest(route, row, running), method };
            const heard = await talk(running.port, rawText(sent));
            const about = `${method}: ${heard.slice(0, 300) || "cut"}`;
            const isKnown = !["TRACE", "CONNECT", "BREW"].includes(method);
            const refused: readonly (number | "cut")[] = isKnown
              ? server === "dashboard" || server === "demo" ? [403, 405] : [405]
              : [400, 405, 501, "cut", ...(server === "demo" ? [403] : [])];
            assert.ok(refused.includes(statusOf(heard)), about);
            assertWords(heard, about);
          }
          assert.deepEqual([running.done(), running.faults()], [[], []]);
        }));
    }

    it("are not reached by an address that is none", () =>
      START[server](async (running) => {
        for (const address of STRANGE_ADDRESSES) {
          for (const route of routes.slice(0, 1)) {
            const row = ROWS[server][`${route.method} ${route.path}`];
            assert.ok(row);
            const sent = { ...rightRequest(route, row, running), address };
            const heard = await talk(running.port, rawText(sent));
            const about = `${address}: ${heard.slice(0, 300) || "cut"}`;
            const refused = [400, 404, "cut", ...(server === "demo" ? [403] : [])];
            assert.ok(refused.includes(statusOf(heard)), about);
            assertWords(heard, about);
          }
        }
        assert.deepEqual([running.done(), running.faults()], [[], []]);
      }));
  });
}
