/** What XML 1.0 cannot hold at all, even escaped: control characters and lone surrogates. */
// eslint-disable-next-line no-control-regex -- these are the characters to remove
const UNREPRESENTABLE = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu;
const SPECIAL = /[&<>"']/g;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for an element or an attribute in double quotes. */
export function escapeXml(text: string): string {
  return text.replace(UNREPRESENTABLE, "").replace(SPECIAL, (character) => ENTITIES[character] ?? "");
}

/** A URL as CDATA, which is how VAST players expect it: a few split at entities. */
export function cdata(text: string): string {
  return `<![CDATA[${text.replace(UNREPRESENTABLE, "").replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}

/** Milliseconds as `HH:MM:SS.mmm`, for Duration and skipoffset. */
export function clockTime(durationMs: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const seconds = durationMs / 1000;
  const millis = String(Math.floor(durationMs % 1000)).padStart(3, "0");
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}.${millis}`;
}
