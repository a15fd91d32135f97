package podlet
import ("testing";"time";"fmt";"sync";"runtime";"net/http";"context";"syscall"
 batchv1 "k8s.io/api/batch/v1"
 corev1 "k8s.io/api/core/v1"
 metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
 "k8s.io/utils/ptr")
type sink struct{h http.Header}
func (s sink) Header() http.Header {return s.h}
func (s sink) Write(b []byte)(int,error){return len(b),nil}
func (s sink) WriteHeader(int){}
func (s sink) Flush(){}
func cpu() time.Duration { var r syscall.Rusage; syscall.Getrusage(0,&r); return time.Duration(r.Utime.Nano()+r.Stime.Nano()) }
func TestZZStream(t *testing.T){
 l:=newLogFile(time.Now,0); b:=lineBuffer{log:l}; line:="a line of some two hundred bytes ...............................................................................................................................................................................\n"
 c:=cpu(); for range 2_000_000 { b.write(line) }; t.Logf("write %s cpu", cpu()-c); l.end()
 for _,ts:=range []bool{false,true} { c=cpu(); s:=newLogStream(context.Background(), sink{http.Header{}}, logOptions{follow:true,timestamps:ts}, LogFault{}); err:=s.copy(l); t.Logf("ts=%v stream %d MB %s cpu %v", ts, s.sent>>20, cpu()-c, err) }
}
func TestZZScale(t *testing.T){
 ns:=newNamespace(t); const n=500
 node.Script("registry.test/scale", Runs(Print("x\n")))
 w,err:=client.BatchV1().Jobs(ns).Watch(t.Context(), metav1.ListOptions{}); if err!=nil{t.Fatal(err)}
 begin:=time.Now()
 var wg sync.WaitGroup
 for k:=range 10 { wg.Go(func(){ for i:=range n/10 { job:=&batchv1.Job{ObjectMeta:metav1.ObjectMeta{Name:fmt.Sprintf("j-%d-%d",k,i)},Spec:batchv1.JobSpec{BackoffLimit:ptr.To(int32(0)),Template:corev1.PodTemplateSpec{Spec:corev1.PodSpec{RestartPolicy:"Never",AutomountServiceAccountToken:ptr.To(false),Containers:[]corev1.Container{{Name:"main",Image:"registry.test/scale"}}}}}}
  if _,err:=client.BatchV1().Jobs(ns).Create(t.Context(),job,metav1.CreateOptions{});err!=nil{t.Error(err)}}})}
 done:=map[string]bool{}; cnt:=map[string]int{}; last:=time.Now()
 for ev:=range w.ResultChan(){ cnt[string(ev.Type)]++; if time.Since(last)>2*time.Second {last=time.Now(); ps,_:=client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{}); ph:=map[string]int{}; for _,p:=range ps.Items{ph[string(p.Status.Phase)+p.Spec.NodeName]++}; t.Logf("%s %v pods %v done %d", time.Since(begin), cnt, ph, len(done))}; j,ok:=ev.Object.(*batchv1.Job); if !ok {t.Logf("%v",ev); continue}; for _,c:=range j.Status.Conditions{ if c.Type==batchv1.JobComplete&&c.Status=="True"{done[j.Name]=true}}; if len(done)==n{break}}
 t.Logf("loop over after %s: %v", time.Since(begin), cnt); wg.Wait()
 var m runtime.MemStats; runtime.GC(); runtime.ReadMemStats(&m)
 t.Logf("%d jobs in %s = %.1f/s; heap %d KB; goroutines %d; cpu %s", len(done), time.Since(begin), float64(len(done))/time.Since(begin).Seconds(), m.HeapAlloc>>10, runtime.NumGoroutine(), cpu())
}
