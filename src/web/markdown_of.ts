/**
 * Writes a page's tree as Markdown, which models read well: headings, code, links and nested lists.
 * Numbers of lists are left out, and a row of a table is a line with its cells.
 *
 * It keeps a stack of its own, because a hostile page nests elements deeper than calls may.
 */

/** The part of the DOM that this module reads. */
export interface MarkdownNode {
  /** 1: an element; 3: a text. */
  readonly nodeType: number;
  /** Name of the element, in capitals. */
  readonly nodeName: string;
  /** Its text, with that of its children. */
  readonly textContent: string | null;
  /** Its first child. */
  readonly firstChild: MarkdownNode | null;
  /** The next child of its parent. */
  readonly nextSibling: MarkdownNode | null;
  /** An attribute of an element; `null` without it. */
  getAttribute?(name: string): string | null;
}

const ELEMENT = 1;
const TEXT = 3;

/** Elements that are not shown, or that are no part of the text. */
const SKIPPED = new Set([
  "SCRIPT",
  "STYLE",
  "TEMPLATE",
  "NOSCRIPT",
  "SVG",
  "HEAD",
  "TITLE",
  "IFRAME",
  "OBJECT",
  "BUTTON",
  "SELECT",
]);

/** Elements that stand on lines of their own. */
const BLOCKS = new Set(
  ("ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY DD DETAILS DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER " +
    "FORM H1 H2 H3 H4 H5 H6 HEADER HR HTML LI MAIN NAV OL P PRE SECTION SUMMARY TABLE TBODY TFOOT " +
    "THEAD TR UL").split(" "),
);

const MAX_URL = 500;

/** One part of the walk: a node to enter, or text to write after its children. */
type Task = { readonly enter: MarkdownNode } | { readonly leave: () => void };

/** Writes a tree as Markdown. */
export function markdownOf(root: MarkdownNode, baseUrl: string): string {
  const out: string[] = [];
  const tasks: Task[] = [{ enter: root }];
  let inPre = 0;
  let listDepth = 0;

  const enter = (node: MarkdownNode): void => {
    if (node.nodeType === TEXT) {
      const text = node.textContent ?? "";
      out.push(inPre > 0 ? text : text.replace(/\s+/g, " "));
      return;
    }
    const name = node.nodeName.toUpperCase();
    if (node.nodeType !== ELEMENT && node.firstChild === null) return;
    if (SKIPPED.has(name) || node.getAttribute?.("hidden") != null) return;
    if (node.getAttribute?.("aria-hidden") === "true") return;
    const leave = begin(name, node);
    tasks.push({ leave });
    const children: Task[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling) {
      children.push({ enter: child });
    }
    for (let at = children.length - 1; at >= 0; at--) {
      const task = children[at];
      if (task) tasks.push(task);
    }
  };

  /** Writes the beginning of an element, and returns how to write its end. */
  function begin(name: string, node: MarkdownNode): () => void {
    const isBlock = BLOCKS.has(name);
    if (isBlock) out.push("\n");
    switch (name) {
      case "H1":
      case "H2":
      case "H3":
      case "H4":
      case "H5":
      case "H6":
        out.push(`\n${"#".repeat(Number(name.charAt(1)))} `);
        return () => out.push("\n\n");
      case "P":
      case "TABLE":
      case "BLOCKQUOTE":
        out.push("\n");
        return () => out.push("\n\n");
      case "UL":
      case "OL":
        listDepth++;
        return () => {
          listDepth--;
          out.push("\n");
        };
      case "LI":
        out.push(`${"  ".repeat(Math.min(8, Math.max(0, listDepth - 1)))}- `);
        return () => {};
      case "BR":
      case "HR":
        out.push("\n");
        return () => {};
      case "TD":
      case "TH":
        return () => out.push(" | ");
      case "PRE":
        inPre++;
        out.push("\n```\n");
        return () => {
          inPre--;
          out.push("\n```\n");
        };
      case "CODE":
        if (inPre > 0) return () => {};
        out.push("`");
        return () => out.push("`");
      case "IMG": {
        const alt = node.getAttribute?.("alt")?.replace(/\s+/g, " ").trim();
        if (alt) out.push(`[image: ${alt.slice(0, 200)}]`);
        return () => {};
      }
      case "A": {
        const link = linkOf(node, baseUrl);
        if (link === undefined) return () => {};
        out.push("[");
        return () => out.push(`](${link})`);
      }
      default:
        return isBlock ? () => out.push("\n") : () => {};
    }
  }

  for (let task = tasks.pop(); task; task = tasks.pop()) {
    if ("enter" in task) enter(task.enter);
    else task.leave();
  }
  return tidied(out.join(""));
}

/** The address of a link that leads elsewhere. */
function linkOf(node: MarkdownNode, baseUrl: string): string | undefined {
  const written = node.getAttribute?.("href");
  if (!written || written.startsWith("#") || !URL.canParse(written, baseUrl)) return undefined;
  const url = new URL(written, baseUrl);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  return url.href.length > MAX_URL ? undefined : url.href;
}

function tidied(text: string): string {
  return text.toWellFormed()
    .replace(/\[\s*\]\([^)]*\)/g, "") // links around pictures
    .replace(/[^\S\n]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\s*\n/, "")
    .trimEnd();
}
