/** Characters that show nothing, or turn the order of others around. */
const HIDDEN =
  /[\p{Cc}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0]|\u17b4|\u17b5/gu;

/**
 * A name as it is: what would show nothing, or something else than there is, stands as its number. For names of files,
 * tools, agents and addresses, by which people decide; not for prose, whose scripts need some of these characters.
 */
export function visibleName(name: string): string {
  return name.replace(HIDDEN, (character) => `⟨${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}⟩`);
}
