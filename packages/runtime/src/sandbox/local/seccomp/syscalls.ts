/** Processors whose system calls we know, by Node's names. */
export type FilteredArch = "x64" | "arm64";

/** The same number on both: everything that Linux got since 5.1. */
const both = (number: number): Numbers => ({ x64: number, arm64: number });
const only = (x64: number, arm64?: number): Numbers => (arm64 === undefined ? { x64 } : { x64, arm64 });

export type Numbers = Readonly<Partial<Record<FilteredArch, number>>>;

/**
 * System calls that nothing in a sandbox has a use for, and that lead to parts of the kernel in which holes were
 * found, or that change more than the sandbox. Numbers: Linux' `asm/unistd_64.h` and `asm-generic/unistd.h`.
 */
export const REFUSED: Readonly<Record<string, Numbers>> = {
  // Other ways into the kernel, past this filter or with programs of one's own.
  io_uring_setup: both(425),
  io_uring_enter: both(426),
  io_uring_register: both(427),
  bpf: only(321, 280),
  userfaultfd: only(323, 282),
  perf_event_open: only(298, 241),
  // Keys of the kernel are not divided by namespaces.
  add_key: only(248, 217),
  request_key: only(249, 218),
  keyctl: only(250, 219),
  // Other processes' memory and files.
  ptrace: only(101, 117),
  process_vm_readv: only(310, 270),
  process_vm_writev: only(311, 271),
  process_madvise: both(440),
  pidfd_getfd: both(438),
  kcmp: only(312, 272),
  // Mounts and namespaces.
  mount: only(165, 40),
  umount2: only(166, 39),
  pivot_root: only(155, 41),
  chroot: only(161, 51),
  open_tree: both(428),
  move_mount: both(429),
  fsopen: both(430),
  fsconfig: both(431),
  fsmount: both(432),
  fspick: both(433),
  mount_setattr: both(442),
  open_tree_attr: both(467),
  unshare: only(272, 97),
  setns: only(308, 268),
  sethostname: only(170, 161),
  setdomainname: only(171, 162),
  // Files by number instead of by path, and watching of whole file systems.
  name_to_handle_at: only(303, 264),
  open_by_handle_at: only(304, 265),
  fanotify_init: only(300, 262),
  fanotify_mark: only(301, 263),
  // The machine: its kernel, clock, disks, log.
  kexec_load: only(246, 104),
  kexec_file_load: only(320, 294),
  init_module: only(175, 105),
  finit_module: only(313, 273),
  delete_module: only(176, 106),
  reboot: only(169, 142),
  settimeofday: only(164, 170),
  clock_settime: only(227, 112),
  clock_adjtime: only(305, 266),
  adjtimex: only(159, 171),
  swapon: only(167, 224),
  swapoff: only(168, 225),
  quotactl: only(179, 60),
  quotactl_fd: both(443),
  acct: only(163, 89),
  syslog: only(103, 116),
  vhangup: only(153, 58),
  move_pages: only(279, 239),
  migrate_pages: only(256, 238),
  // What only old programs know.
  lookup_dcookie: only(212, 18),
  nfsservctl: only(180, 42),
  iopl: only(172),
  ioperm: only(173),
  modify_ldt: only(154),
  uselib: only(134),
  sysfs: only(139),
  _sysctl: only(156),
  ustat: only(136),
  create_module: only(174),
  get_kernel_syms: only(177),
  query_module: only(178),
};

/** System calls that are refused or not by what they are given. */
export const CHECKED = {
  clone: only(56, 220),
  clone3: both(435),
  socket: only(41, 198),
  socketpair: only(53, 199),
  personality: only(135, 92),
  ioctl: only(16, 29),
} as const satisfies Readonly<Record<string, Numbers>>;
