/** The same promise; a rejection that nobody handles is no fault of the page, since a hook shows it. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
