"""`python -m prism_desktop.engine.study.demo`: what perfect models would reach on the demo study, in Markdown."""

from prism_desktop.engine.study.demo.ideal import ideal_accuracies, macro


def main() -> None:
    accuracies = ideal_accuracies()
    print("| labeler | attribute | personal model | best consensus model | planted consensus | ties |")
    print("|---|---|---:|---:|---:|---:|")
    for row in (*accuracies, *macro(accuracies).values()):
        numbers = " | ".join(f"{100 * value:.1f} %" for value in (row.personal, row.consensus, row.mapped, row.tied))
        print(f"| {row.labeler} | {row.attribute or 'all'} | {numbers} |")


if __name__ == "__main__":
    main()
