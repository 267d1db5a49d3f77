/** Each route of the dashboard has its row of wrong inputs, with the words that a person sees. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CHANGES } from "../../../src/features/dashboard/base/changes.ts";
import { createDashboard } from "../../../src/features/dashboard/dashboard.ts";
import {
  DASHBOARD_ROUTES,
  type DashboardRoute,
} from "../../../src/features/dashboard/guarded_app.ts";
import { withServed } from "./parts_fixture.ts";

/** A wrong part of the address or a wrong body, and the answer. */
interface Wrong {
  /** In place of the route's last part: a name, with a query. */
  readonly name?: string;
  readonly body?: string;
  readonly status: number;
  readonly words: RegExp;
}

const HOSTILE = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
const NAMES = [
  "nowhere",
  HOSTILE,
  "__proto__",
  "constructor",
  "..%2f..%2fetc%2fpasswd",
  "%00",
  "%",
];
const BODIES = [
  "",
  "{",
  "null",
  "[]",
  "7",
  '"text"',
  '{"token":7}',
  '{"token":"x","more":1}',
  '{"token":"x","keep":1}',
];

const named = (status: number, words: RegExp): readonly Wrong[] =>
  NAMES.map((name) => ({ name, status, words }));

const wholeText = (text: string) => new RegExp(`^${RegExp.escape(text)}$`);

const NO_LINK = /This link is used or older than five minutes; run `barnacle dashboard` again/;

/** A route without its row does not compile, and fails below. */
const WRONG: Readonly<Record<DashboardRoute, readonly Wrong[]>> = {
  shell: [{ name: `?${HOSTILE}=1`, status: 302, words: /^$/ }],
  shellOfPage: named(404, /^Nothing here$/),
  asset: named(404, /^Nothing here$/),
  login: [
    ...[...BODIES, JSON.stringify({ token: "x".repeat(101) })].map((body) => ({
      body,
      status: 400,
      words: /^This page makes no such request$/,
    })),
    { body: JSON.stringify({ token: "" }), status: 401, words: NO_LINK },
    { body: JSON.stringify({ token: "<script>\u001b[2J" }), status: 401, words: NO_LINK },
  ],
  logout: BODIES.map((body) => ({ body, status: 204, words: /^$/ })),
  page: [
    ...named(404, /^There is no such page$/),
    { name: "spend?days=1e999&days=-1&days=", status: 200, words: /Last 30 days by day/ },
  ],
  change: [
    ...named(404, /^There is no such change$/),
    ...BODIES.map((body) => ({ name: "pairing.deny", body, status: 422, words: /^\S+.*\w$/ })),
    ...CHANGES.flatMap(({ name }) =>
      ["ABCDEFGH", "<b>", "\u001b[2J"].map((code) => {
        const more = name.startsWith("approvals")
          ? "; `barnacle approvals list` shows the open ones"
          : "";
        const words = `${JSON.stringify(code)} is unknown, decided or expired${more}`;
        return { name, body: JSON.stringify({ code }), status: 422, words: wholeText(words) };
      })
    ),
  ],
};

const BASE = "http://127.0.0.1:8787";

describe("[SEC-R31] [SEC-R35] wrong inputs of the dashboard's routes", () => {
  it("have a row for each route", () => {
    assert.deepEqual(Object.keys(WRONG).toSorted(), Object.keys(DASHBOARD_ROUTES).toSorted());
    for (const [name, rows] of Object.entries(WRONG)) assert.ok(rows.length > 0, name);
  });

  for (const [route, { method, path, auth }] of Object.entries(DASHBOARD_ROUTES)) {
    it(`${route}: ends in words, and shows nothing of the program`, () =>
      withServed(async (served, { lines }) => {
        const dashboard = createDashboard(served);
        const login = async () => {
          const body = JSON.stringify({ token: dashboard.createLink() });
          const answer = await dashboard.fetch(requestOf("POST", "/dashboard/login", { body }));
          return `Bearer ${(await answer.json()).token}`;
        };
        for (const { name = "", body, status, words } of WRONG[route as DashboardRoute]) {
          const address = path.includes(":") ? path.replace(/:\w+$/, name) : path + name;
          const authorization = auth === "session" ? await login() : undefined;
          const request = requestOf(method, address, { body, authorization });
          const answer = await dashboard.fetch(request);
          const text = await answer.text();
          const about = `${method} ${address} ${body ?? ""} › ${answer.status} ${text}`;
          assert.equal(answer.status, status, about);
          assert.match(text, words, about);
          assert.doesNotMatch(text, /\bat .*:\d+:\d+|node_modules|\[object/, about);
          assert.ok(!text.includes("\u001b"), about);
          assert.equal(answer.headers.get("x-content-type-options"), "nosniff", about);
          const isMarkup = !/^text\/plain/.test(answer.headers.get("content-type") ?? "");
          if (isMarkup) assert.doesNotMatch(text, /<script>alert/, about);
        }
        const failed = lines.filter(({ level }) => level === "error");
        assert.deepEqual(failed, []);
      }));
  }
});

function requestOf(
  method: string,
  address: string,
  { body = "{}", authorization }: { readonly body?: string; readonly authorization?: string },
): Request {
  return new Request(BASE + address, {
    method,
    headers: {
      host: "127.0.0.1:8787",
      ...(authorization !== undefined && { authorization }),
      ...(method === "POST" && { origin: BASE, "content-type": "application/json" }),
    },
    ...(method === "POST" && { body }),
  });
}
