package program

func covered() {}
