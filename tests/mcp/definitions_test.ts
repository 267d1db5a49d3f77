import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MCPClient } from "@ai-sdk/mcp";
import { schedule } from "../../src/lib/clock.ts";
import { listTools } from "../../src/mcp/definitions.ts";

type Page = Awaited<ReturnType<MCPClient["listTools"]>>;

const tool = (name: string, size = 0, description = "") => ({
  name,
  description,
  inputSchema: { type: "object" as const, properties: { [`a${"x".repeat(size)}`]: {} } },
});

function list(pages: readonly Page["tools"][], allow?: readonly string[]) {
  const from = {
    listTools: (options?: { params?: { cursor?: string } }) => {
      const at = Number(options?.params?.cursor ?? 0);
      const tools = pages[at] ?? [];
      const nextCursor = at + 1 < pages.length ? `${at + 1}` : undefined;
      return Promise.resolve({ tools, nextCursor } as Page);
    },
  };
  return listTools(from, "far", allow, 1_000, schedule);
}

const hundred = Array.from({ length: 100 }, (_, at) => tool(`t${at}`));

describe("[T6] listTools()", () => {
  const rows: readonly [string, Page["tools"], number, readonly RegExp[]][] = [
    ["tools that fit", [tool("a"), tool("b")], 2, []],
    ["a long schema", [tool("a"), tool("huge", 23_000)], 1, [
      /^huge is left out \(its schema has 23/,
    ]],
    ["a long name", [tool(`n${"m".repeat(60)}`)], 0, [/^nm+ is left out \(its name has 71 char/]],
    ["a long description", [tool("a", 0, "d".repeat(2_001))], 1, [/^a has the first 2000 char/]],
    ["too many tools", [...hundred, tool("y"), tool("z")], 100, [
      /^2 are left out .* 100 \(y, z\)$/,
    ]],
  ];
  for (const [what, given, kept, cut] of rows) {
    it(`names each tool that it leaves out: ${what}`, async () => {
      const listed = await list([given]);
      assert.equal(listed.tools.length, kept);
      assert.equal(listed.cut.length, cut.length);
      for (const [at, words] of cut.entries()) assert.match(listed.cut[at] ?? "", words);
    });
  }

  it("finds an allowed tool on a late page, and names none that is not allowed", async () => {
    const { tools, cut } = await list([hundred, [tool("late"), tool("huge", 23_000)]], ["late"]);
    assert.deepEqual([tools.map(({ name }) => name), cut], [["late"], []]);
  });

  it("says if a list has too many pages", async () => {
    const { tools, cut } = await list(Array.from({ length: 21 }, (_, at) => [tool(`t${at}`)]));
    assert.deepEqual([tools.length, cut], [20, ["the list of tools has more than 20 pages"]]);
  });
});
