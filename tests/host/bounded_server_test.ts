import assert from "node:assert/strict";
import { it } from "node:test";
import { admitConnection, type OpenConnection } from "../../src/host/bounded_server.ts";

const LIMITS = { total: 6, perAddress: 3, keptForLoopback: 2 };

const local = (isBusy = false, answered = 0): OpenConnection => ({
  ...{ address: "127.0.0.1", isLocal: true, isBusy, answered },
});
const remote = (address: string, isBusy = false, answered = 0): OpenConnection => ({
  ...{ address, isLocal: false, isBusy, answered },
});
const many = (count: number, make: () => OpenConnection) => Array.from({ length: count }, make);

const cases: readonly [
  name: string,
  open: readonly OpenConnection[],
  newcomer: OpenConnection,
  expected: "accept" | "refuse" | number,
][] = [
  ["accepts below all limits", [local(), remote("10.0.0.1")], local(), "accept"],
  ["evicts the oldest idle connection", many(6, () => local()), local(), 0],
  ["spares one that had an answer", [local(false, 1), ...many(5, () => local())], local(), 1],
  ["evicts one that had an answer if all had", many(6, () => local(false, 1)), local(), 0],
  [
    "evicts another machine's connection that had an answer before a local one that had none",
    [...many(5, () => local()), remote("10.0.0.1", false, 1)],
    local(),
    5,
  ],
  ["spares busy connections", [local(true), ...many(5, () => local())], local(), 1],
  [
    "evicts another machine's connection before a local one",
    [...many(5, () => local()), remote("10.0.0.1")],
    local(),
    5,
  ],
  ["refuses if all connections are busy", many(6, () => local(true)), local(), "refuse"],
  [
    "makes an address evict its own oldest connection",
    [remote("10.0.0.1"), ...many(3, () => remote("10.0.0.2"))],
    remote("10.0.0.2"),
    1,
  ],
  [
    "refuses an address whose connections are all busy",
    many(3, () => remote("10.0.0.2", true)),
    remote("10.0.0.2"),
    "refuse",
  ],
  [
    "keeps places for this machine",
    ["1", "2", "3", "4"].map((last) => remote(`10.0.0.${last}`)),
    remote("10.0.0.5"),
    0,
  ],
  [
    "lets this machine use the kept places",
    ["1", "2", "3", "4"].map((last) => remote(`10.0.0.${last}`, true)),
    local(),
    "accept",
  ],
  ["lets another machine displace a local one", many(6, () => local()), remote("10.0.0.1"), 0],
];
for (const [name, open, newcomer, expected] of cases) {
  it(`[SEC-R35] admitConnection() › ${name}`, () => {
    const admission = admitConnection(open, newcomer, LIMITS);
    assert.equal(admission, typeof expected === "string" ? expected : open[expected]);
  });
}
