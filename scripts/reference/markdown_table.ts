/** Lays out tables of generated Markdown pages. */

/**
 * Lines of a table.
 *
 * @param head One cell for each column.
 * @param rows Cells as Markdown; a `<` outside backticks is text, not HTML.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(cellText).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** A cell in which `<id>` is text, not HTML; between backticks it is text anyway. */
function cellText(cell: string): string {
  return cell.replaceAll("|", "\\|").split("`")
    .map((part, at) => at % 2 === 0 ? part.replaceAll("<", "&lt;") : part).join("`");
}
