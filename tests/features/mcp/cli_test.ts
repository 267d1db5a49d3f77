import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loginText } from "../../../src/features/mcp/cli.ts";

describe("[T13] loginText()", () => {
  const until = Date.UTC(2026, 0, 2, 3, 4);
  const rows: readonly [Parameters<typeof loginText>[0], now: number, text: RegExp][] = [
    [{ id: "far", login: "program" }, 0, /^a program$/],
    [{ id: "far", login: "token" }, 0, /^token of the config$/],
    [{ id: "far", login: "none" }, 0, /^no login$/],
    [{ id: "far", login: "ended" }, 0, /^login ended: barnacle mcp login far$/],
    [{ id: "far", login: "valid" }, 0, /^logged in$/],
    [{ id: "far", login: "valid", until }, until - 1, /^logged in until .*2026/],
    [{ id: "far", login: "valid", until }, until, /^login ended .*: barnacle mcp login far$/],
    [{ id: "far", login: "valid", until, isRenewed: true }, until, /renewed by itself$/],
  ];
  for (const [state, now, text] of rows) {
    it(`shows ${text.source}`, () => assert.match(loginText(state, now), text));
  }
});
