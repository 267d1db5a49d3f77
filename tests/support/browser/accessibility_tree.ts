/**
 * Reads the tree of a page as a screen reader does, and finds what a person who hears it would miss.
 * axe does not check these rules, because other pages may have good reasons against them.
 */

/** A line of Playwright's snapshot: its depth, role and name. */
interface TreeNode {
  readonly depth: number;
  readonly role: string;
  readonly name: string;
  /** The rest of the line: `"[level=2]"`. */
  readonly rest: string;
}

/** The problems of a page, one line each. */
export function treeProblems(snapshot: string): readonly string[] {
  const nodes = nodesIn(snapshot);
  const inside = (at: number) => {
    const { depth } = nodes[at]!;
    const end = nodes.findIndex((node, index) => index > at && node.depth <= depth);
    return nodes.slice(at + 1, end < 0 ? undefined : end);
  };
  const links = new Map<string, string>();
  const pressed = new Set<string>();
  let level = 0;
  return nodes.flatMap(({ role, name, rest }, at): readonly string[] => {
    switch (role) {
      case "heading": {
        const before = level;
        level = Number(/level=(\d)/.exec(rest)?.[1]);
        if (name === "") return ["a heading without text"];
        if (level === 1 && before !== 0) return [`a second first heading: ${name}`];
        return level > before + 1 ? [`${name} skips a level of headings`] : [];
      }
      case "button": {
        if (name === "") return ["a button without a name"];
        if (pressed.has(name)) return [`several buttons have the name ${name}`];
        pressed.add(name);
        return [];
      }
      case "link": {
        const to = nodes[at + 1]?.role === "/url" ? nodes[at + 1]!.rest : "";
        const other = links.get(name);
        links.set(name, to);
        if (name === "") return [`a link without a name leads to ${to}`];
        return other === undefined || other === to ? [] : [`${name} leads to ${other} and ${to}`];
      }
      case "textbox":
      case "combobox":
      case "checkbox":
      case "meter":
      case "img":
      case "figure":
      case "region":
      case "table":
      case "columnheader":
        return name === "" ? [`a ${role} without a name`] : [];
      case "row": {
        const cells = inside(at).filter(({ depth }) => depth === nodes[at]!.depth + 1);
        const isHead = cells.every((cell) => cell.role === "columnheader");
        return isHead || cells.some((cell) => cell.role === "rowheader" && cell.name !== "")
          ? []
          : [`no cell names the row ${name}`];
      }
      default:
        return [];
    }
  });
}

function nodesIn(snapshot: string): readonly TreeNode[] {
  return snapshot.split("\n").flatMap((line) => {
    const [, indent = "", text = ""] = /^( *)- '?(.*?)'?:?$/.exec(line) ?? [];
    const [, role = "", quoted, rest = ""] =
      /^([\w/]+)(?: ("(?:[^"\\]|\\.)*"|\/.*\/))?:? ?(.*)$/.exec(text) ?? [];
    if (role === "") return [];
    return [{ depth: indent.length / 2, role, name: quoted?.slice(1, -1) ?? "", rest }];
  });
}
