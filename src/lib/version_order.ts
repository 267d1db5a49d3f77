/** Compares versions of Barnacle by the rules of Semantic Versioning. */

/** A version without build metadata: `"1.2.0"` or `"1.2.0-rc.1"`. */
export const VERSION_FORM: RegExp =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(?:-([\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?$/;

/**
 * Compares two versions.
 *
 * @returns Negative if the first one is older, positive if it is newer, 0 if they are equal. A text
 * that is no version is older than each version.
 */
export function compareVersions(first: string, second: string): number {
  const [one, other] = [VERSION_FORM.exec(first), VERSION_FORM.exec(second)];
  if (!one || !other) return Number(Boolean(one)) - Number(Boolean(other));
  for (const part of [1, 2, 3]) {
    const difference = Number(one[part]) - Number(other[part]);
    if (difference !== 0) return difference;
  }
  return comparePreviews(one[4], other[4]);
}

function comparePreviews(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) {
    return Number(one === undefined) - Number(other === undefined);
  }
  const [parts, others] = [one.split("."), other.split(".")];
  for (const [index, part] of parts.entries()) {
    const against = others[index];
    if (against === undefined) return 1;
    const difference = compareParts(part, against);
    if (difference !== 0) return difference;
  }
  return parts.length - others.length;
}

function compareParts(part: string, other: string): number {
  const [isNumber, isOther] = [part, other].map((text) => /^\d+$/.test(text));
  if (isNumber && isOther) return Number(part) - Number(other);
  if (isNumber !== isOther) return isNumber ? -1 : 1;
  return part < other ? -1 : Number(part > other);
}
