/** Finds the fences of a prompt, as a model might. */

/** Number of opening and closing marks that any reader might take for one of Barnacle's fences. */
export function fencesIn(text: string): number {
  const plain = text.normalize("NFKC").replace(/[\p{Cf}\p{M}\s]/gu, "").toLowerCase();
  return plain.match(
    /[<‹〈《≪](?:\/|\\|\|)*(?:context|quoted|extras|message|file|result|summary|transcript)/gu,
  )
    ?.length ?? 0;
}
