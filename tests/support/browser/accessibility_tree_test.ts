import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { treeProblems } from "./accessibility_tree.ts";

const GOOD = `- heading "Notes" [level=1]
- region "All":
  - heading "All" [level=2]
  - table "Notes":
    - rowgroup:
      - row "Text Actions":
        - columnheader "Text"
        - columnheader "Actions"
    - rowgroup:
      - 'row "tea: at five Delete note 1"':
        - 'rowheader "tea: at five"'
        - cell "Delete note 1":
          - button "Delete note 1"
  - link "1":
    - /url: /feed?message=1
  - link "1":
    - /url: /feed?message=1`;

describe("treeProblems()", () => {
  it("finds none in a good page", () => assert.deepEqual(treeProblems(GOOD), []));

  const WRONG: readonly (readonly [what: string, from: string, to: string, problem: RegExp])[] = [
    ["a row without a head", "'rowheader", "'cell", /no cell names the row tea: at five/],
    ["a skipped level", '"All" [level=2]', '"All" [level=3]', /All skips a level/],
    ["a second first heading", '"All" [level=2]', '"All" [level=1]', /second first heading: All/],
    ["a table without a name", 'table "Notes"', "table", /a table without a name/],
    ["a button without a name", 'button "Delete note 1"', "button", /a button without a name/],
    [
      "two buttons of one name",
      '  - link "1":\n    - /url: /feed?message=1\n',
      '  - button "Delete note 1"\n',
      /several buttons have the name Delete note 1/,
    ],
    ["two goals of one link", "message=1", "message=2", /1 leads to .+=2 and .+=1/],
    ["a link without a name", 'link "1"', "link", /a link without a name/],
    ["a picture without a name", '- region "All":', "- img\n- region:", /img.+\n.*region/],
  ];
  for (const [what, from, to, problem] of WRONG) {
    it(`finds ${what}`, () => {
      assert.ok(GOOD.includes(from));
      assert.match(treeProblems(GOOD.replace(from, to)).join("\n"), problem);
    });
  }
});
