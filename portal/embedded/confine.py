"""Run a program as an unprivileged user that ends when its starter does.

    python confine.py --starter PID --signal NUMBER --own DIRECTORY --own DIRECTORY -- PROGRAM ARGUMENT...

PostgreSQL refuses to run as root. Changing to another user is not enough where that user cannot reach the program or
its data, as in a clone below /root. So root first becomes `nobody` inside a user namespace of its own: outside it the
process keeps root's files and nothing else of root. Where namespaces are forbidden (many containers), it really becomes
`nobody`, gets the data directory, and keeps the one capability of passing directories if it needs that.

Only the standard library, and no import of the project: it replaces itself by the program within milliseconds.
"""

import argparse
import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
LINUX_CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


class ConfinementError(Exception):
    """This machine offers no way to run the program without root's rights."""


def unprivileged_account() -> pwd.struct_passwd:
    """Return `nobody`, or any account but root: initdb insists that its user has a name."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return next(account for account in pwd.getpwall() if account.pw_uid != 0)


def checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def enter_user_namespace(account: pwd.struct_passwd) -> None:
    """Become `account` in a namespace where it stands for the user outside."""
    uid, gid = os.geteuid(), os.getegid()
    checked(libc.unshare(CLONE_NEWUSER), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{account.pw_uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{account.pw_gid} {gid} 1")


def can_use(program: str, directories: list[Path]) -> bool:
    everything = os.R_OK | os.W_OK | os.X_OK
    return os.access(program, os.X_OK) and all(os.access(directory, everything) for directory in directories)


def namespace_works(account: pwd.struct_passwd, program: str, directories: list[Path]) -> bool:
    """Return whether the namespace exists and reaches the files, tried in a child: entering cannot be undone."""
    child = os.fork()
    if child == 0:
        try:
            enter_user_namespace(account)
            usable = os.geteuid() == account.pw_uid and can_use(program, directories)
        except OSError:
            usable = False
        os._exit(0 if usable else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def hand_over(directory: Path, uid: int, gid: int) -> None:
    """Give the tree to the user that will run there; a start in the other way may have left it to someone else.

    Where the directory itself is right, only what the starter may just have written beside its top is looked at.
    """
    complete = directory.stat().st_uid == uid
    for folder, folders, files in os.walk(directory):
        for name in files:
            os.lchown(Path(folder, name), uid, gid)
        os.chown(folder, uid, gid)
        if complete:
            folders.clear()


def keep_passing_directories() -> None:
    """Keep the capability to pass directories, and only that, over the change of user and of program."""
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    checked(libc.capset(header, sets), "capset")
    checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "ambient capability")


def become(account: pwd.struct_passwd, program: str, directories: list[Path]) -> None:
    checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl")
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if not can_use(program, directories):
        keep_passing_directories()


def drop_root(program: str, directories: list[Path], *, namespaces: bool) -> None:
    account = unprivileged_account()
    if namespaces:
        for directory in directories:
            hand_over(directory, 0, 0)
        if namespace_works(account, program, directories):
            enter_user_namespace(account)
            return
    for directory in directories:
        hand_over(directory, account.pw_uid, account.pw_gid)
    try:
        become(account, program, directories)
    except OSError as error:
        raise ConfinementError(f"cannot run {program} without root's rights: {error}") from error


def end_with(starter: int, number: int) -> None:
    """Have the kernel send the signal when the starter is gone, however it went."""
    libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != starter:
        sys.exit("the starter is already gone")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--starter", type=int, required=True)
    parser.add_argument("--signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--own", type=Path, action="append", default=[])
    parser.add_argument("--no-namespaces", action="store_true")
    parser.add_argument("command", nargs="+")
    wanted = parser.parse_args()
    if wanted.own and os.geteuid() == 0:
        try:
            drop_root(wanted.command[0], wanted.own, namespaces=not wanted.no_namespaces)
        except ConfinementError as error:
            sys.exit(str(error))
    if sys.platform == "linux":
        end_with(wanted.starter, wanted.signal)
    os.execv(wanted.command[0], wanted.command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
