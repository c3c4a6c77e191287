#include "lib/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/io.h"

/* What the child gets. */
struct ends {
	int in, out, err; /* -1: ours */
	int report;
};

/* In the child. exec's failure is reported through `report`. */
static void run_child(const struct command *c, char *const *argv, const struct ends *e,
		      pid_t parent)
{
	sigset_t none;
	int number;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* It may have ended before that. */
	if (getppid() != parent)
		_exit(126);
	signals_reset_in_child();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (c->environment)
		environ = (char **)c->environment;
	if (dup2(e->in, STDIN_FILENO) >= 0 && (e->out < 0 || dup2(e->out, STDOUT_FILENO) >= 0) &&
	    (e->err < 0 || dup2(e->err, STDERR_FILENO) >= 0))
		execvp(argv[0], argv);
	number = errno;
	if (write(e->report, &number, sizeof number) < 0)
		_exit(126);
	_exit(127);
}

/* Wait for exec: its errno, or 0 once the descriptor closed. */
static int exec_errno(int fd)
{
	int number = 0;
	ssize_t got;

	do {
		got = read(fd, &number, sizeof number);
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof number ? number : 0;
}

static void make_pipe(int *reads, int *writes)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) == 0) {
		*reads = pair[0];
		*writes = pair[1];
	}
}

int command_start(struct command *c, char *const *argv, unsigned pipes, struct error *err)
{
	auto_fd child_in = -1, in = -1, out = -1, child_out = -1, report = -1, child_report = -1;
	auto_fd from_err = -1, child_err = -1;
	pid_t self = getpid();
	int number;

	if (pipes & COMMAND_IN)
		make_pipe(&child_in, &in);
	else
		child_in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (pipes & COMMAND_OUT)
		make_pipe(&out, &child_out);
	if (pipes & COMMAND_ERR)
		make_pipe(&from_err, &child_err);
	make_pipe(&report, &child_report);
	if (child_in < 0 || (pipes & COMMAND_OUT && child_out < 0) ||
	    (pipes & COMMAND_ERR && child_err < 0) || child_report < 0)
		return error_set_errno(err, ERR_OS, "pipe");
	c->pid = fork();
	if (c->pid < 0)
		return error_set_errno(err, ERR_OS, "fork");
	if (c->pid == 0)
		run_child(c, argv, &(struct ends){ child_in, child_out, child_err, child_report },
			  self);
	io_close_fd(&child_report);
	number = exec_errno(report);
	if (number) {
		waitpid(c->pid, NULL, 0);
		errno = number;
		return error_set_errno(err,
				       number == ENOENT  ? ERR_NOINPUT
				       : number == E2BIG ? ERR_DATA
							 : ERR_OS,
				       "%s", argv[0]);
	}
	c->in = in;
	c->out = out;
	c->err = from_err;
	c->in_held = pipes & COMMAND_HOLD ? child_in : -1;
	/* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): the cleanup reads them */
	in = out = from_err = -1;
	if (pipes & COMMAND_HOLD)
		child_in = -1;
	return 0;
}

bool command_has_ended(const struct command *c)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

void command_stop(const struct command *c)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };

	kill(-c->pid, SIGTERM);
	for (int i = 0; i < 200 && !command_has_ended(c); i++)
		nanosleep(&tick, NULL);
	kill(-c->pid, SIGKILL);
}

int command_reap(const struct command *c, const char *name, struct error *err)
{
	int status, code;

	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, ERR_OS, "wait");
	if (WIFSIGNALED(status))
		return error_set(err, ERR_SIGNAL + WTERMSIG(status), "%s: killed by signal %d (%s)",
				 name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	code = WEXITSTATUS(status);
	if (code == 0)
		return 0;
	return error_set(err,
			 (code >= ERR_USAGE && code <= ERR_CONFIG) || code > ERR_SIGNAL ? code
											: ERR_DATA,
			 "%s: exit status %d", name, code);
}
