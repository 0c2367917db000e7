import type { RestRouter } from "./environment.ts";

/** The methods that `router` answers at `path`; none where the path is no route at all. */
export function allowedMethods(router: RestRouter, path: string): string[] {
  const methods = new Set<string>();
  for (const route of router.routes) {
    if (route.method !== "ALL" && pattern(route.path).test(path)) methods.add(route.method);
  }
  if (methods.has("GET")) methods.add("HEAD");
  if (methods.size > 0) methods.add("OPTIONS");
  return [...methods].sort();
}

/** A route's path as a regular expression: `:name` is one part, `:name{[\s\S]+}` is the rest. */
function pattern(path: string): RegExp {
  const parts = path.split("/").map((part) => {
    if (/^:\w+\{.+\}$/.test(part)) return "[\\s\\S]+";
    return part.startsWith(":") ? "[^/]+" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}
